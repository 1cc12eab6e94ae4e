"""Render the chart with helm's SDK, in a process of its own: the library brings a Go runtime along.

Reads {"chart", "values", "release", "namespace"} and prints template to text, both as JSON.
"""

from __future__ import annotations

import json
import sys


def main() -> int:
    from helm_python.chart import Chart, lint
    from helm_python.errors import HelmError

    asked = json.load(sys.stdin)
    try:
        with Chart.load(asked["chart"]) as chart:
            chart.validate_schema(chart.merge_values(asked["values"]))
            made = chart.render(asked["values"], name=asked["release"], namespace=asked["namespace"])
        report = lint(asked["chart"], asked["values"], strict=True)
    except HelmError as error:
        print(error, file=sys.stderr)
        return 1
    if report["errors"]:
        print(*report["errors"], sep="\n", file=sys.stderr)
        return 1
    json.dump(made, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
