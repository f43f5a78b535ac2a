#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""
layout.py OBJECT - how the records in an object's maps lie, a line each member: offset and size in bytes, name, type.
"""
import json
import subprocess
import sys

types = {}
OWN = ("pending", "recent")  # not pinned: each program has its own


def kind(i):
    return types[i]["kind"] if i else "VOID"


def plain(i):
    while kind(i) in ("TYPEDEF", "CONST", "VOLATILE"):
        i = types[i]["type_id"]
    return i


def size(i):
    i = plain(i)
    t = types[i]
    if t["kind"] == "ARRAY":
        return t["nr_elems"] * size(t["type_id"])
    return t["size"] if "size" in t else 8


def name(i):
    i = plain(i)
    t = types[i]
    if t["kind"] == "ARRAY":
        return "%s[%d]" % (name(t["type_id"]), t["nr_elems"])
    return t["name"]


def show(at, i):
    """Members of a record, and those of the records in it."""
    i = plain(i)
    t = types[i]
    if t["kind"] == "ARRAY":
        return show(at, t["type_id"])
    if t["kind"] not in ("STRUCT", "UNION"):
        return
    for m in t["members"]:
        if m["name"].startswith("pad"):
            continue
        print("%s %5d %5d %s %s" % (at, m["bits_offset"] // 8, size(m["type_id"]), m["name"] or "-", name(m["type_id"])))
        show(at + "." + m["name"], m["type_id"])


def main():
    out = subprocess.run(["bpftool", "-j", "btf", "dump", "file", sys.argv[1]], stdout=subprocess.PIPE, check=True)
    for t in json.loads(out.stdout)["types"]:
        types[t["id"]] = t
    for sec in types.values():
        if sec["kind"] != "DATASEC" or sec["name"] not in (".maps", ".data.meta"):
            continue
        for var in sorted((types[v["type_id"]] for v in sec["vars"]), key=lambda v: v["name"]):
            value = var["type_id"]
            if var["name"] in OWN:
                continue
            if sec["name"] == ".maps":
                member = [m for m in types[value]["members"] if m["name"] == "value"]
                if not member:
                    continue
                value = types[member[0]["type_id"]]["type_id"]
            print("%s %5d %5d = %s" % (var["name"], 0, size(value), name(value)))
            show(var["name"], value)


main()
