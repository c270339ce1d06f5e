"""Rules of composite alarms: the parser against Python's own reading of the same rule."""

from __future__ import annotations

import re
from itertools import product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from alarms.composite_rules import STATES, CompositeRuleError, parse

NAMES = ("a", "slow requests", "arn:aws:cloudwatch:eu-central-1:111122223333:alarm:x-1")


def told(condition: tuple[str, str, str]) -> str:
    """One condition as it may be written."""
    state, name, quote = condition
    return f"{state}({quote}{name}{quote})"


CONDITION = st.tuples(st.sampled_from(STATES), st.sampled_from(NAMES), st.sampled_from(["", '"', "'"])).map(
    told
)
RULE = st.recursive(
    CONDITION | st.sampled_from(["TRUE", "FALSE"]),
    lambda inner: st.one_of(
        inner.map(lambda rule: f"NOT {rule}"),
        inner.map(lambda rule: f"( {rule})"),
        st.tuples(inner, st.sampled_from([" AND ", " OR ", "\nAND  ", "  OR\t"]), inner).map("".join),
    ),
    max_leaves=8,
)


def by_python(rule: str, states: dict[str, str]) -> bool:
    """What Python makes of a rule whose conditions are replaced by their truth."""
    condition = re.compile(r"\b(OK|ALARM|INSUFFICIENT_DATA)\((['\"]?)(.+?)\2\)")
    plain = condition.sub(lambda found: str(states[found[3]] == found[1]), rule)
    words = {"AND": "and", "OR": "or", "NOT": "not", "TRUE": "True", "FALSE": "False"}
    expression = re.sub("|".join(words), lambda found: words[found[0]], plain)
    return bool(eval(f"({expression})"))  # it is our own text


@given(RULE)
def test_a_rule_holds_where_python_says_so(rule):
    """NOT binds before AND, AND before OR, in all 27 combinations of three alarms' states."""
    parsed = parse(rule)

    for combination in product(STATES, repeat=len(NAMES)):
        states = dict(zip(NAMES, combination, strict=True))
        assert by_python(rule, states) == parsed.holds(states.__getitem__)


def test_a_rule_names_its_alarms_once_each():
    """The names, without quotes and in their order."""
    assert ("b", "a c") == parse("ALARM(b) OR OK('a c') AND NOT ALARM(\"b\")").names


@pytest.mark.parametrize(
    ("rule", "in_alarm", "expected"),
    [
        ("AT_LEAST(2, ALARM, (a, b, c))", "ab", True),
        ("AT_LEAST(2, ALARM, (a, b, c))", "a", False),
        ('AT_LEAST(50%, ALARM, ("a", "b", "c"))', "a", False),
        ("AT_LEAST(50%, ALARM, (a, b))", "a", True),
        ("AT_LEAST(2, NOT ALARM, (a, b, c)) AND TRUE", "a", True),
    ],
)
def test_at_least_counts(rule, in_alarm, expected):
    """So many of the listed alarms, or so large a share, are in the state or not."""
    assert expected == parse(rule).holds(lambda name: "ALARM" if name in in_alarm else "OK")


@pytest.mark.parametrize(
    ("rule", "at", "says"),
    [
        ("", 0, "the rule ends"),
        ('ALARM("a") AND', 14, "the rule ends"),
        ('ALARM("a") ALARM("b")', 11, "AND or OR"),
        ("ALARM", 5, 'ALARM("name")'),
        ("ALARM()", 6, "name is missing"),
        ('ALARM("a"', 5, "not closed"),
        ('("a")', 1, "condition should"),
        ('(ALARM("a")', 0, "add the )"),
        ("OK(my alarm (x))", 3, "double quotes"),
        ("AT_LEAST(2, (a, b))", 8, "AT_LEAST(2, ALARM"),
        ("(" * 60 + "TRUE" + ")" * 60, 50, "too deep"),
        ("TRUE" + " " * 10_240, 10_240, "the most"),
    ],
)
def test_a_refused_rule_says_where_and_what_to_write(rule, at, says):
    """Each kind of mistake has its place and its remedy in the error."""
    with pytest.raises(CompositeRuleError) as refused:
        parse(rule)

    assert (at, True) == (refused.value.at, says in str(refused.value))


@given(
    st.text(max_size=60)
    | st.lists(
        st.sampled_from(["ALARM", "OK", "(", ")", '"', ",", "NOT", "AND", "a", "AT_LEAST", "2", "%"])
    ).map(" ".join)
)
@example("NOT " * 3000 + "TRUE")
@example("AT_LEAST(999%, OK, (,))")
def test_no_text_crashes_the_parser(rule):
    """Any text is a rule or is refused."""
    try:
        assert parse(rule).holds(lambda name: "OK") in (True, False)
    except CompositeRuleError as refused:
        assert 0 <= refused.at <= len(rule)
