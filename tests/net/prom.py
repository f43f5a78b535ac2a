#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""
prom.py - Prometheus' text format 0.0.4, strictly; and a Grafana dashboard against it. Prints what is wrong, a line each.

check                   the text on stdin: every metric has HELP and TYPE before its samples, which stand together and
                        are unlike each other; names and labels as the naming rules want them; a last newline
dashboard FILE TEXT     the dashboard in FILE is JSON that Grafana takes, and uses only metrics and labels that the text in
                        TEXT has
"""
import json
import re
import sys

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"'
SAMPLE = re.compile(r"(%s)(?:\{(%s(?:,%s)*)\})? ([0-9]+(?:\.[0-9]+)?)" % (NAME, LABEL, LABEL))


def check(text):
    wrong, kind, seen, done, last = [], {}, set(), set(), None
    if not text.endswith("\n"):
        wrong.append("does not end with a newline")
    for line in text.splitlines():
        head = re.fullmatch(r"# (HELP|TYPE) (%s) (.+)" % NAME, line)
        sample = SAMPLE.fullmatch(line)
        name = head[2] if head else sample[1] if sample else None
        if not name:
            wrong.append("neither comment nor sample: " + line)
            continue
        if name != last:
            if name in done:
                wrong.append("not in one place: " + name)
            done.add(name)
            last = name
        if head and head[1] == "TYPE":
            if name not in kind:
                wrong.append("without HELP: " + name)
            kind[name] = head[3]
            if head[3] not in ("counter", "gauge") or (head[3] == "counter") != name.endswith("_total"):
                wrong.append("of another type than its name says: " + line)
        elif head:
            kind.setdefault(name, "")
            if kind[name]:
                wrong.append("HELP behind TYPE: " + name)
        else:
            labels = tuple(sorted(re.findall(LABEL, sample[2] or "")))
            if not kind.get(name):
                wrong.append("without HELP and TYPE: " + line)
            if (name, labels) in seen or len(dict(labels)) < len(labels):
                wrong.append("twice: " + line)
            seen.add((name, labels))
    return wrong if seen else wrong + ["no sample"]


def exported(text):
    """The labels of each metric."""
    have = {}
    for line in text.splitlines():
        sample = SAMPLE.fullmatch(line)
        if sample:
            have.setdefault(sample[1], set()).update(k for k, _ in re.findall(LABEL, sample[2] or ""))
    return have


def check_expr(expr, have):
    """Metrics and their selectors; `instance` is Prometheus' own."""
    found = re.findall(r"(lb_[a-z_]+)(?:\{([^}]*)\})?", expr)
    if not found:
        yield "no metric: " + expr
    for name, selectors in found:
        if name not in have:
            yield "not exported: " + name
            continue
        for key in re.findall(r"([a-z_]+)\s*(?:=~|!~|!=|=)", selectors):
            if key not in have[name] | {"instance"}:
                yield "%s has no label %s" % (name, key)
    for pair in ("()", "{}", "[]"):
        if expr.count(pair[0]) != expr.count(pair[1]):
            yield "unbalanced: " + expr
    for names in re.findall(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)", expr):
        for key in filter(None, re.split(r"[\s,]+", names)):
            if not any(key in have.get(name, ()) for name, _ in found) and key != "instance":
                yield "no metric has the label %s: %s" % (key, expr)


def check_dashboard(board, text):
    have, wrong, ids, taken = exported(text), [], set(), set()
    for key in ("title", "uid", "panels", "schemaVersion", "templating", "time"):
        if key not in board:
            wrong.append("no " + key)
    for panel in board["panels"]:
        where = panel["gridPos"]
        cells = {(x, y) for x in range(where["x"], where["x"] + where["w"])
                 for y in range(where["y"], where["y"] + where["h"])}
        if cells & taken or where["x"] + where["w"] > 24 or panel["id"] in ids:
            wrong.append("in another's place: " + panel["title"])
        taken |= cells
        ids.add(panel["id"])
        for target in panel.get("targets", []):
            wrong += ["%s: %s" % (panel["title"], w) for w in check_expr(target["expr"], have)]
        if panel["type"] != "row" and not panel.get("targets"):
            wrong.append("draws nothing: " + panel["title"])
    for var in board["templating"]["list"]:
        if var["type"] == "query":
            wrong += check_expr(re.sub(r",\s*\w+\)$", ")", var["query"]).replace("label_values", ""), have)
    return wrong


def main(what, *files):
    if what == "check":
        wrong = check(sys.stdin.read())
    else:
        with open(files[0], encoding="utf-8") as board, open(files[1], encoding="utf-8") as text:
            wrong = check_dashboard(json.load(board), text.read())
    print("".join(w + "\n" for w in wrong), end="")
    return 1 if wrong else 0


sys.exit(main(*sys.argv[1:]))
