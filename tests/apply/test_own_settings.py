"""Values are converted in the settings that the database has, as the plan's SQL does in psql."""

from __future__ import annotations

import psycopg
import pytest

from reconciler.core.statement import HazardCode
from tests.apply.conftest import Played
from tests.apply.shop import rows, run

SCHEMA = """
tables:
  t: {columns: {id: integer, at: %s, day: %s, span: %s%s}}
"""
BEFORE = SCHEMA % ("timestamp", "text", "text", "")
AFTER = SCHEMA % ("timestamptz", "date", "interval", ", made: {type: timestamp, default: localtimestamp}")
VIEW = """
materialized_views:
  days: {query: "SELECT id, at::date AS day FROM t"}
"""
ROW = "INSERT INTO public.t (id, at, day, span) VALUES (1, '2024-05-01 23:00', '02/03/04', '-1 2:03:04')"
SEEN = """
    SELECT extract(epoch FROM at)::bigint, to_char(day, 'YYYY-MM-DD'), extract(epoch FROM span)::bigint
    FROM public.t"""


def _with_settings(url: str) -> None:
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    for setting in ("TimeZone TO 'Asia/Kolkata'", "DateStyle TO 'SQL, DMY'", "IntervalStyle TO sql_standard"):
        run(url, f"ALTER DATABASE {name} SET {setting}")


@pytest.mark.matrix
def test_values_are_converted_as_in_psql(played: Played) -> None:
    _with_settings(played.url)
    played(BEFORE)
    run(played.url, ROW)
    plan = played(AFTER + VIEW)
    # 23:00 in Kolkata is 17:30 UTC; day, month, year; a negative day and two negative hours.
    assert rows(played.url, SEEN) == [(1714584600, "2004-03-02", -93784)]
    # In UTC the view would have the first of May too; two hours later it would not.
    assert rows(played.url, "SELECT to_char(day, 'YYYY-MM-DD') FROM public.days") == [("2024-05-01",)]
    ((drift,),) = rows(played.url, "SELECT abs(extract(epoch FROM localtimestamp - made)) FROM public.t")
    assert drift < 3600
    told = {
        hazard.object.path[-1] for _, hazard in plan.hazards if hazard.code is HazardCode.SETTINGS_DEPENDENT
    }
    assert told == {"at", "day", "span"}


@pytest.mark.matrix
def test_a_zone_that_is_named_wins(played: Played) -> None:
    _with_settings(played.url)
    played(SCHEMA % ("timestamp", "text", "text", ""))
    run(played.url, ROW)
    using = "{type: timestamptz, transition: {using: \"at AT TIME ZONE 'UTC'\"}}"
    plan = played(SCHEMA % (using, "text", "text", ""))
    assert rows(played.url, "SELECT extract(epoch FROM at)::bigint FROM public.t") == [(1714604400,)]
    assert HazardCode.SETTINGS_DEPENDENT not in {hazard.code for _, hazard in plan.hazards}
