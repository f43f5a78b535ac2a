#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""
schema.t - man/lbtool.schema.json against what lbtool -json prints: the stdout of each case *-json is as its `schema`
says (a line each, the definitions of which one must hold), and would not be with a key more, or a value of another type.
"""
import glob
import json
import os
import re
import subprocess
import sys

import jsonschema

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
LBTOOL = os.path.join(TOP, os.environ.get("B", "build"), "lbtool")
WORD = "lbtool "

# Commands without output, or whose output is no JSON.
SILENT = {
    "prog load", "prog reload", "prog unload", "pool rebuild", "dev add", "dev replace", "dev del", "receiver add", "receiver replace",
    "receiver del", "node drain", "node ready", "stats export", "digest check", "top",
}
# What they print is that of --dry-run.
EDITING = {o + " " + v for o in ("pool", "real", "vip", "node peer") for v in ("add", "replace", "del")} | {"restore"}
# Keys that are text's alone, and one that is put together.
TEXT_KEYS = {"drain", "gue-port"}

tests = 0


def ok(faults, text):
    global tests
    tests += 1
    print("%sok %d - %s" % ("not " if faults else "", tests, text))
    for fault in faults:
        print("#   " + str(fault).replace("\n", "\n#   "))


def documents(text):
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        doc, at = decoder.raw_decode(text, at)
        at += len(text[at:]) - len(text[at:].lstrip())
        yield doc


def others(doc):
    """The document with one fault, all of them in turn, each with what it is."""
    if isinstance(doc, list):
        for i, item in enumerate(doc):
            for what, bad in others(item):
                yield what, doc[:i] + [bad] + doc[i + 1:]
    elif isinstance(doc, dict):
        yield "key unheard_of", {**doc, "unheard_of": 1}
        for key, value in doc.items():
            for bad in (None, {}, "" if isinstance(value, (bool, int, float)) else 1):
                yield "%s: %r" % (key, bad), {**doc, key: bad}


def cases(validator, defs):
    used = set()
    for path in sorted(glob.glob(HERE + "/*-json")):
        name, faults = os.path.basename(path), []
        try:
            with open(path + "/schema", encoding="utf-8") as f:
                names = f.read().splitlines()
            with open(path + "/stdout", encoding="utf-8") as f:
                docs = list(documents(f.read()))
        except (OSError, ValueError) as e:
            ok([e], name)
            continue
        used.update(names)
        faults += ["no such definition: " + n for n in names if WORD + n not in defs]
        one = {n: validator({"$ref": "#/$defs/" + WORD + n}) for n in names if WORD + n in defs}
        for doc in docs:
            if not any(v.is_valid(doc) for v in one.values()):
                faults += [e.message for v in one.values() for e in v.iter_errors(doc)]
                continue
            faults += ["%s would be taken" % what for what, bad in others(doc) if any(v.is_valid(bad) for v in one.values())]
        ok(faults[:20], "%s is %s, and nothing else" % (name, " or ".join(names)))
    ok(sorted({d for d in defs if d.startswith(WORD)} - {WORD + n for n in used}), "each definition has a case")


def commands():
    """OBJECT VERB of all, as `lbtool help` has them."""
    usage = subprocess.run([LBTOOL, "help"], stdout=subprocess.PIPE, check=True).stdout.decode()
    for line in re.findall(r"^       lbtool (\w+(?: [a-z]\w*)?)(?: .*)?$", usage.split("OBJECT :=")[1], re.M):
        if line == "node peer":
            yield from ("node peer " + v for v in ("show", "add", "replace", "del"))
        elif line == "node source":  # what sets it prints nothing
            yield "node source show"
        else:
            yield line


def keys():
    """Names of values in lbtool's source."""
    for path in glob.glob(TOP + "/lbtool/*.c"):
        with open(path, encoding="utf-8") as f:
            yield from re.findall(r'\b(?:lb_out_(?:name|str|u64|real|bool|item)|addr_word|dev_word|show_addr|show_dev|show_mac)'
                                  r'\(\s*(?:t->out|out|t),\s*"([^"]+)"', f.read())


def main():
    with open(TOP + "/man/lbtool.schema.json", encoding="utf-8") as f:
        schema = json.load(f)
    jsonschema.Draft202012Validator.check_schema(schema)
    defs = schema["$defs"]

    def validator(part):
        return jsonschema.Draft202012Validator({**part, "$defs": defs})

    ok([d for d in defs if WORD in d and {"$ref": "#/$defs/" + d} not in schema["anyOf"]], "the schema takes what any command prints")
    cases(validator, defs)
    there = set(commands())
    ok(sorted(there - SILENT - EDITING - {d[len(WORD):] for d in defs}), "each command that prints has a definition")
    ok(sorted({d[len(WORD):] for d in defs if WORD in d} - there - {"--dry-run"}), "each definition is of a command")
    properties = set(re.findall(r'"(\w+)": \{(?! *"properties)', json.dumps(defs)))
    ok(sorted(set(keys()) - properties - TEXT_KEYS), "each value in the source has a place in it")
    print("1..%d" % tests)


if len(sys.argv) > 1:
    sys.exit("schema.t takes no words")
main()
