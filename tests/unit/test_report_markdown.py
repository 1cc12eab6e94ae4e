"""The comment on a pull request: what matters is never hidden, no name gets out, it fits."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from reconciler.core.errors import Blocked, ConnectionFailed, NotApproved, ReconcileError, Stale
from reconciler.core.ident import ObjectId
from reconciler.core.size import Size
from reconciler.core.statement import BLOCKING, Hazard, HazardCode, LockMode, Mode, on
from reconciler.engine.plan.model import Ack, Action, Plan, Step
from reconciler.report import markdown
from reconciler.report.escape import code, fenced, prose, within
from reconciler.report.markdown import BUDGET, LEAST, Context, Standing, State
from reconciler.report.plan_context import labels
from tests.unit.plan_samples import acked, drops, empty, nasty, sample

pytestmark = pytest.mark.quick
UNSEEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def rendered(
    plan: Plan | None,
    *,
    target: str = "prod",
    budget: int = BUDGET,
    state: Standing | State | None = None,
    file: str | None = None,
) -> str:
    standing = Standing(state) if isinstance(state, State) else state
    return markdown.render(plan, Context(target, file, standing), budget)


def tokens(comment: str) -> list[Token]:
    """Every token of the comment as GitHub's dialect reads it, those inside paragraphs included."""
    found: list[Token] = []
    for token in MarkdownIt("commonmark").enable("table").parse(comment):
        found += [token, *(token.children or [])]
    return found


OURS = re.compile(
    r"(<!-- reconcile:comment target=[^ >]* -->|<!-- reconcile:meta \{[\w\":,. ]*\} -->"
    r"|<details><summary>([\w ,:()]*|\W <code>[^<>]*</code>)</summary>|</details>|</?sub>|</?code>|<br>)\s*"
)


def foreign(comment: str) -> list[str]:
    """HTML, links and pictures in a comment that are not ours."""
    found = [t.content for t in tokens(comment) if t.type.startswith("html") and OURS.sub("", t.content)]
    return found + [t.type for t in tokens(comment) if t.type in ("link_open", "image")]


class TestMarkdown:
    def test_the_state_follows_from_the_plan(self) -> None:
        assert "🟠 Schema plan · `prod` · **+7 ~3 \u22121 →1**" in rendered(sample(), target="prod")
        assert "🔵" in rendered(acked(), target="prod")
        assert "🟢 Schema plan · `prod` · no changes" in rendered(empty(), target="prod")
        assert "❌" in rendered(None, target="prod")

    @pytest.mark.parametrize("state", State)
    def test_each_state_is_said_and_keeps_the_marker_first(self, state: State) -> None:
        comment = rendered(sample(), target="prod", state=Standing(state, "15:31, all went well"))
        assert comment.startswith(markdown.marker("prod") + "\n")
        headline = next(line for line in comment.split("\n") if line.startswith("### "))
        assert ("plan failed" if state is State.FAILED else state.value) in headline
        assert "15:31, all went well" in comment
        assert not foreign(comment)

    def test_the_marker_depends_on_the_target_alone(self) -> None:
        first = {rendered(plan, target="prod/app").split("\n")[0] for plan in (sample(), empty(), None)}
        assert first == {"<!-- reconcile:comment target=prod/app -->"}
        targets = ["a", "b", "a b", "a--b", "a-%2Db", "a-->b", "a\nb"]
        assert len({markdown.marker(target) for target in targets}) == len(targets)

    def test_what_deletes_data_stands_in_the_open(self) -> None:
        comment = rendered(sample(), target="prod")
        caution = comment.index("> [!CAUTION]\n> **Step 6 deletes data**: `column app.users.legacy_id`")
        assert caution < comment.index("<details>")

    def test_done_or_allowed_is_no_caution(self) -> None:
        assert "[!CAUTION]" not in rendered(acked(), target="prod")
        assert "Allowed: copied to s3 (`ann`)" in rendered(acked(), target="prod")
        assert "[!CAUTION]" not in rendered(sample(), target="prod", state=State.APPLIED)

    def test_stale_keeps_the_plan_but_folds_it(self) -> None:
        comment = rendered(sample(), target="prod", state=State.STALE)
        assert comment.index("[!CAUTION]") < comment.index("<details><summary>The plan that is stale")
        assert comment.index("The plan that is stale") < comment.index("| # | Change |")

    def test_the_table_has_a_row_for_each_step(self) -> None:
        kinds = [token.type for token in tokens(rendered(sample(), target="prod"))]
        assert kinds.count("tr_open") == 13
        assert kinds.count("td_open") == 12 * 5

    @pytest.mark.parametrize("plan", [sample(), nasty(), drops(3)], ids=["sample", "nasty", "drops"])
    def test_details_are_closed_as_often_as_opened(self, plan: Plan) -> None:
        html = "".join(t.content for t in tokens(rendered(plan, target="prod")) if t.type == "html_block")
        assert html.count("<details>") == html.count("</details>") > 0

    def test_names_cannot_break_out(self) -> None:
        comment = rendered(nasty(), target="--> <b>", file="plans/`x`|<i>.yaml")
        assert not foreign(comment)
        assert [token.type for token in tokens(comment)].count("td_open") == 5
        assert not UNSEEN.search(comment)
        prose = [token.content for token in tokens(comment) if token.type == "text"]
        in_code = "".join(re.findall(r"<code>.*?</code>", comment))
        assert "@octocat" in in_code
        outside = re.sub(r"<code>.*?</code>|`+sql\n.*?\n`{4,}", "", comment, flags=re.DOTALL)
        assert "octocat" in outside
        assert "@octocat" not in outside
        assert not any("https://" in text for text in prose)

    def test_the_sql_stays_in_its_fence(self) -> None:
        fences = [t.content for t in tokens(rendered(nasty(), target="p")) if t.type == "fence"]
        assert len(fences) == 1
        assert fences[0].endswith("**b** $(rm) ![i](u);\n")

    @settings(deadline=None, max_examples=60)
    @given(st.text("`|<>@#_*-\\[]()!&;:\n\r ~$1a/", max_size=30))
    def test_no_name_breaks_out(self, name: str) -> None:
        id = ObjectId("table", ("app", name or "x"))
        hazards = (Hazard(HazardCode.DATA_LOSS, id, name),)
        step = Step(1, Action.DROP, id, name, (name,), (name,), name, locks=on(name), hazards=hazards)
        plan = Plan(18, "", (step,), {}, unknown=(name,), notes=(name,))
        comment = rendered(plan, target=name, file=name, state=Standing(State.BLOCKED, name))
        assert not foreign(comment)
        kinds = [token.type for token in tokens(comment)]
        assert kinds.count("td_open") == 5
        assert kinds.count("fence") == 1 + ("\n" in name)
        assert kinds.count("heading_open") == 1
        assert kinds.count("list_item_open") == 2 + 3

    @pytest.mark.parametrize("budget", [6_000, 10_000, 20_000, 60_000])
    @pytest.mark.parametrize("state", [None, State.STALE])
    @pytest.mark.parametrize(
        "plan", [sample(), nasty(), drops(40), drops(2_000)], ids=["sample", "nasty", "40", "2000"]
    )
    def test_the_budget_holds(self, budget: int, state: State | None, plan: Plan) -> None:
        comment = rendered(
            plan, target="prod", budget=budget, state=state, file="plans/prod/0007_x.plan.yaml"
        )
        assert len(comment) <= budget
        assert "Schema plan" in comment
        assert "[!CAUTION]" in comment
        opened = comment.count("<details><summary>"), comment.count("\n</details>\n")
        assert opened[0] == opened[1]
        assert not foreign(comment)

    def test_sql_is_dropped_before_the_table_and_the_last_first(self) -> None:
        comment = rendered(drops(40), target="prod", budget=9_500, file="plans/7.plan.yaml")
        kinds = [token.type for token in tokens(comment)]
        assert kinds.count("tr_open") == 41
        assert "DROP TABLE app.table_1 " in comment
        assert "DROP TABLE app.table_40 " not in comment
        assert re.search(r"The SQL of steps \d+-40 is left out here: see `plans/7\.plan\.yaml`\.", comment)

    def test_a_failure_shows_the_error_as_it_is(self) -> None:
        error = "schema/users.yaml:3:4: `x`\n```\n<b>"
        comment = rendered(None, target="prod", state=Standing(State.FAILED, error))
        assert [t.content for t in tokens(comment) if t.type == "fence"] == [error + "\n"]

    def test_applied_says_when_and_how_far_in_the_headline(self) -> None:
        at = datetime(2026, 11, 22, 15, 31, tzinfo=UTC)
        comment = rendered(sample(), state=Standing.applied(at, 12, 12, 41.23))
        assert "· applied 2026-11-22 15:31 UTC, 12/12 steps, 41.2 s\n" in comment
        log = rendered(None, state=Standing(State.APPLIED, "step 1\nstep 2"))
        assert [t.content for t in tokens(log) if t.type == "fence"] == ["step 1\nstep 2\n"]

    @pytest.mark.parametrize(
        ("error", "state"),
        [
            (Stale("moved"), State.STALE),
            (Blocked("held"), State.BLOCKED),
            (NotApproved("unsigned"), State.NEEDS_APPROVAL),
            (ConnectionFailed("away"), State.FAILED),
        ],
    )
    def test_an_error_has_its_state_message_and_way_on(self, error: ReconcileError, state: State) -> None:
        error.hint = "do that"
        comment = rendered(None, state=Standing.failed(error))
        assert Standing.failed(error).state is state
        assert error.message in comment
        assert "hint: do that" in comment

    def test_sizes_stand_where_data_is_deleted_and_locks_are_held(self) -> None:
        context = Context("prod", sizes={"app.users": Size(41 * 1024**2, 1_234_567)})
        comment = markdown.render(sample(), context)
        caution = next(line for line in comment.split("\n") if "deletes data" in line)
        assert "(`app.users`: about 1.2 M rows, 41 MB)." in caution
        assert "reads and writes wait (`app.users`, 41 MB)" in comment
        assert "writes wait (`app.orders`; `app.users`, 41 MB)" in comment

    def test_it_says_how_to_change_or_plan_again_and_what_it_is_of(self) -> None:
        context = Context("prod", "plans/prod/0007_x.plan.yaml", again="reconcile plan --target prod --save")
        comment = markdown.render(sample(), context)
        assert "`reconcile plan --target prod --save` plans again" in comment
        assert "`reconcile explain plans/prod/0007_x.plan.yaml STEP`" in comment
        footer = comment.strip().split("\n")[-1]
        assert footer.startswith("<sub>plan `")
        assert "PostgreSQL 18 · reconcile " in footer
        assert "[run]" not in footer
        linked = markdown.render(sample(), dataclasses.replace(context, run_url="https://ci.example/runs/7"))
        assert "[run](https://ci.example/runs/7)" in linked
        odd = markdown.render(sample(), dataclasses.replace(context, run_url="https://ci.example/a) <b>"))
        assert "ci.example" not in odd


class TestOverview:
    SECTIONS = (
        (sample(), Context("prod", "plans/prod/0007_x.plan.yaml")),
        (empty(), Context("staging")),
        (None, Context("dev", standing=Standing(State.FAILED, "the server is away"))),
        (acked(), Context("--> `<b>|")),
    )

    def test_a_table_comes_first_with_each_target(self) -> None:
        comment = markdown.overview(self.SECTIONS)
        assert comment.startswith(
            markdown.marker("*") + "\n### ❌ Schema plans · 4 targets · **plan failed**"
        )
        assert "| `prod` | 🟠 needs approval | 7 | 3 | 1 | 1 | 1 |" in comment
        assert "| `staging` | 🟢 no changes | 0 | 0 | 0 | 0 | 0 |" in comment
        assert "| `dev` | ❌ failed |  |  |  |  |  |" in comment
        kinds = [token.type for token in tokens(comment)]
        assert kinds.count("tr_open") == 1 + 4 + 2 * 13
        assert comment.index("| `prod` | 🟠") < comment.index("<details>")
        assert comment.count("<details>") == comment.count("</details>") >= 4
        assert not foreign(comment)

    def test_what_deletes_data_stands_in_the_open_for_every_target(self) -> None:
        comment = markdown.overview(self.SECTIONS)
        opened = comment[: comment.index("<details>")]
        assert opened.count("**Step 6 deletes data**") == 2
        assert "Allowed: copied to s3" in opened

    def test_the_budget_is_shared(self) -> None:
        sections = [(drops(200), Context(f"target-{number}", "plans/x.plan.yaml")) for number in range(5)]
        comment = markdown.overview(sections, 30_000)
        assert len(comment) <= 30_000
        assert all(f"| `target-{number}` |" in comment for number in range(5))
        assert comment.count("[!CAUTION]") == 5

    def test_many_targets_leave_plans_out_and_say_so(self) -> None:
        sections = [(drops(20), Context(f"target-{number}")) for number in range(60)]
        comment = markdown.overview(sections, 45_000)
        assert len(comment) <= 45_000
        assert all(f"| `target-{number}` |" in comment for number in range(60))
        assert comment.count("[!CAUTION]") == 60
        assert re.search(r"The plans of \d+ more targets are left out here", comment)
        assert not foreign(comment)


class TestEscapes:
    @pytest.mark.parametrize(
        "text", ["@octocat", "#123", "GH-12", "gh-12", "!7", "~bug", "%1", "&5", "$3", '%"next one"', "a/b#1"]
    )
    def test_nobody_and_nothing_is_called(self, text: str) -> None:
        # What a forge looks for, it looks for in the rendered text.
        shown = "".join(t.content for t in tokens(prose(f"so {text}")) if t.type == "text")
        assert text not in shown
        assert shown.replace("\u200b", "") == f"so {text}"

    def test_a_line_is_no_quick_action(self) -> None:
        assert not prose("/merge").startswith("/merge")
        assert "\n/merge" not in fenced("SELECT '\n```\n/merge\n'", "sql")
        assert "\n/* kept */" in fenced("\n/* kept */")

    def test_what_reorders_or_hides_is_written_out(self) -> None:
        for shown in (prose("a\u202eb\u200bc"), code("a\u202eb\u200bc")):
            assert "\\u202e" in shown.replace("&#92;", "\\")
            assert "\u202e" not in shown

    @settings(deadline=None)
    @given(st.text(max_size=40))
    def test_prose_is_one_paragraph_of_text_and_reads_as_it_was(self, text: str) -> None:
        found = tokens(f"x {prose(text)}")
        assert [t.type for t in found if t.type not in ("text", "softbreak")] == [
            "paragraph_open",
            "inline",
            "paragraph_close",
        ]
        assert not re.search(r"(?<![\w&])[@#](?=\w)", "".join(t.content for t in found if t.type == "text"))

    @settings(deadline=None)
    @given(st.text("`~ \n\ra-1|<", max_size=40), st.sampled_from(["", "sql"]))
    def test_a_fence_holds_whatever_it_is_given(self, text: str, language: str) -> None:
        found = tokens(f"before\n\n{fenced(text, language)}\n\nafter")
        assert [t.type for t in found].count("fence") == 1
        assert [t.content for t in found if t.type == "inline"] == ["before", "after"]

    @settings(deadline=None)
    @given(st.text(max_size=300), st.integers(30, 200), st.sampled_from([prose, code, fenced]))
    def test_what_is_cut_fits_and_is_never_cut_inside_an_escape(
        self, text: str, room: int, shown: Callable[[str], str]
    ) -> None:
        cut = within(room, text, shown)
        assert len(cut) <= room
        assert cut == shown(text) or len(shown(text)) > room
        assert not foreign(cut)


TEXTS = st.text("`|<>@#_*-\\[]()!&;:\n\r ~$1a/é\u202e", max_size=400) | st.text(max_size=60)
CODES = st.lists(st.sampled_from(HazardCode), max_size=4)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Any plan: long names, many hazards, odd characters."""
    steps = []
    for number in range(1, draw(st.integers(0, 25)) + 1):
        name = draw(TEXTS)
        id = ObjectId("table", ("app", name or "x"))
        hazards = tuple(Hazard(harm, id, draw(TEXTS)) for harm in draw(CODES))
        locks = on(draw(TEXTS), draw(st.sampled_from(LockMode))) if draw(st.booleans()) else ()
        action, mode = draw(st.sampled_from(Action)), draw(st.sampled_from(Mode))
        sql = (draw(TEXTS) * draw(st.integers(1, 30)),)
        steps.append(Step(number, action, id, name, sql, (name,), hazards=hazards, locks=locks, mode=mode))
    acks = tuple(
        Ack(step.number, hazard.code, draw(TEXTS), draw(st.none() | TEXTS))
        for step in steps
        for hazard in step.hazards
        if draw(st.booleans())
    )
    beside = draw(st.lists(TEXTS, max_size=6))
    edited = draw(st.none() | TEXTS)
    return Plan(18, "", tuple(steps), {}, False, tuple(beside), tuple(beside), acks, edited)


class TestAnyPlan:
    @settings(deadline=None, max_examples=40)
    @given(plans(), TEXTS, st.none() | TEXTS, st.integers(LEAST, 20_000), st.none() | st.sampled_from(State))
    def test_it_fits_and_tells_every_hazard_that_needs_consent(
        self, plan: Plan, target: str, file: str | None, budget: int, state: State | None
    ) -> None:
        standing = Standing(state, file or "") if state else None
        comment = markdown.render(plan, Context(target, file, standing), budget)
        assert len(comment) <= budget
        assert not foreign(comment)
        assert not UNSEEN.search(comment.replace("\t", " "))
        severe = [step.number for step in plan.steps for hazard in step.hazards if hazard.code in BLOCKING]
        opened = comment.partition("<details>")[0]
        told = opened.count("> **Step ")
        more = re.search(r"> \*\*And (\d+) more hazards? of this sort\*\*", opened)
        assert told + (int(more[1]) if more else 0) == len(severe)
        if severe:
            assert f"{len(severe)} destructive" in comment
        if plan.blocking and state is not State.APPLIED:
            assert "[!CAUTION]" in opened

    @settings(deadline=None, max_examples=15)
    @given(st.lists(st.tuples(plans(), TEXTS), min_size=1, max_size=4))
    def test_several_fit_too(self, sections: list[tuple[Plan, str]]) -> None:
        budget = LEAST * len(sections)
        comment = markdown.overview([(plan, Context(target)) for plan, target in sections], budget)
        assert len(comment) <= budget
        assert not foreign(comment)


def test_labels_say_what_a_branch_rule_needs() -> None:
    assert labels(empty(), State.NO_CHANGES) == ("schema/no-change",)
    assert labels(sample(), State.NEEDS_APPROVAL) == ("schema/needs-approval", "schema/destructive")
    assert labels(acked(), State.SAFE) == ("schema/safe", "schema/destructive")
    assert labels(None, State.FAILED) == ("schema/failed",)


def test_sizes_read_as_people_say_them() -> None:
    assert str(Size(0)) == "0 bytes"
    assert str(Size(8192, 0)) == "about 0 rows, 8 kB"
    assert str(Size(1536, 999)) == "about 999 rows, 1.5 kB"
    assert str(Size(5 * 1024**4, 12_345_678_901)) == "about 12.3 G rows, 5.0 TB"
