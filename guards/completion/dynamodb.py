"""Sessions in a DynamoDB table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from guards.completion import aws
from guards.completion.states import JOB, LEASE_UNTIL, OPEN, SESSION_ID, VERSION, WRITER, Job, Session
from guards.completion.store import ConditionalStore, StoreUnavailable
from guards.completion.writes import Condition, Outcome, Write, judged

_REFUSED = "ConditionalCheckFailedException"


class DynamoStore(ConditionalStore):
    """A table whose partition key is ``session_id``, and that has no sort key.

    ``index`` names a sparse index with the partition key ``guard_open`` (S) and the sort key
    ``guard_lease_until`` (N), projecting at least ``guard_job``; without it the sweeper scans the table. A
    client of one's own must give up in time and may retry: a write whose answer got lost is found again by
    its token.
    """

    def __init__(self, table: str, *, client: Any = None, index: str | None = None, **options: Any) -> None:
        self._table = table
        self._index = index
        self._client = client if client is not None else aws.client("dynamodb", **options)

    def load(self, session_id: str) -> Session | None:
        """The session, read consistently."""
        item = self._item(session_id)
        return Session.of(item) if item else None

    def apply(self, write: Write) -> Outcome:
        """Do one UpdateItem; what a refusal means is read from the item as it then stood."""
        names, values = _Names("#"), _Values()
        asked = {
            "TableName": self._table,
            "Key": {SESSION_ID: {"S": write.session_id}},
            "UpdateExpression": _update(write, names, values),
            "ConditionExpression": _condition(write, names, values),
            "ExpressionAttributeNames": names.all,
            "ExpressionAttributeValues": values.all,
            "ReturnValues": "ALL_NEW",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if not write.conditions:
            del asked["ConditionExpression"]
        try:
            answer = self._client.update_item(**asked)
        except Exception as error:
            if aws.code_of(error) != _REFUSED:
                raise self._unavailable(error) from error
            return judged(write, self._as_refused(error, write))
        return Outcome(True, Session.of(_plain_item(answer["Attributes"])))

    def lapsed(self, before: float, limit: int) -> list[Job]:
        """Jobs whose lease ended before a moment, from the index, which may lag, or by a scan."""
        jobs: list[Job] = []
        for item in self._open_items(before):
            jobs.append(Job(item[SESSION_ID], item.get(JOB, "")))
            if len(jobs) == limit:
                break
        return jobs

    def _item(self, session_id: str) -> dict[str, Any] | None:
        key = {SESSION_ID: {"S": session_id}}
        try:
            answer = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        except Exception as error:
            raise self._unavailable(error) from error
        return _plain_item(answer["Item"]) if "Item" in answer else None

    def _as_refused(self, error: Exception, write: Write) -> dict[str, Any] | None:
        """The item that stood against a write; some stand-ins for DynamoDB do not send it along."""
        item = getattr(error, "response", {}).get("Item")
        return _plain_item(item) if item else self._item(write.session_id)

    def _open_items(self, before: float) -> Iterator[dict[str, Any]]:
        values = {":open": {"S": "1"}, ":before": {"N": _number(before)}}
        expression = f"{OPEN} = :open AND {LEASE_UNTIL} < :before"
        asked: dict[str, Any] = {"TableName": self._table, "ExpressionAttributeValues": values}
        if self._index is None:
            call, asked["FilterExpression"] = self._client.scan, expression
        else:
            call, asked["KeyConditionExpression"] = self._client.query, expression
            asked["IndexName"] = self._index
        while True:
            try:
                page = call(**asked)
            except Exception as error:
                raise self._unavailable(error) from error
            yield from (_plain_item(item) for item in page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            asked["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def _unavailable(self, error: Exception) -> StoreUnavailable:
        what = f"DynamoDB's table {self._table!r} did not do what it was asked: {aws.code_of(error)}"
        return StoreUnavailable(what, hint="check the table's name, the role's permissions and throttling")


class _Names:
    """Attribute names as placeholders: some are reserved words."""

    def __init__(self, mark: str) -> None:
        self.all: dict[str, str] = {}
        self._mark = mark
        self._known: dict[str, str] = {}

    def of(self, name: str) -> str:
        """The name's placeholder."""
        if name not in self._known:
            self._known[name] = f"{self._mark}{len(self._known)}"
            self.all[self._known[name]] = name
        return self._known[name]


class _Values:
    """Values as placeholders."""

    def __init__(self) -> None:
        self.all: dict[str, Any] = {}

    def of(self, value: object) -> str:
        """The value's placeholder."""
        placeholder = f":{len(self.all)}"
        self.all[placeholder] = _wire(value)
        return placeholder


def _update(write: Write, names: _Names, values: _Values) -> str:
    sets = [f"{names.of(name)} = {values.of(value)}" for name, value in write.sets.items()]
    version = names.of(VERSION)
    counted = f"{version} = if_not_exists({version}, {values.of(0)}) + {values.of(1)}"
    written = f"{names.of(WRITER)} = {values.of(write.token)}"
    removed = f" REMOVE {', '.join(names.of(name) for name in write.removes)}" if write.removes else ""
    return f"SET {', '.join([*sets, counted, written])}{removed}"


def _condition(write: Write, names: _Names, values: _Values) -> str:
    return " AND ".join(_one_of(condition, names, values) for condition in write.conditions)


def _one_of(condition: Condition, names: _Names, values: _Values) -> str:
    name = names.of(condition.attribute)
    allowed = [
        f"attribute_not_exists({name})" if value is None else f"{name} = {values.of(value)}"
        for value in condition.allowed
    ]
    return f"({' OR '.join(allowed)})"


def _number(value: float) -> str:
    return repr(value) if isinstance(value, float) else str(value)


def _wire(value: object) -> dict[str, Any]:
    """A value as DynamoDB takes it.

    >>> _wire({"score": 0.5, "goals": ("run",), "done": None})
    {'M': {'score': {'N': '0.5'}, 'goals': {'L': [{'S': 'run'}]}, 'done': {'NULL': True}}}
    """
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, int | float | Decimal):
        return {"N": _number(value) if isinstance(value, float) else str(value)}
    if isinstance(value, bytes | bytearray):
        return {"B": bytes(value)}
    if isinstance(value, Mapping):
        return {"M": {str(name): _wire(each) for name, each in value.items()}}
    if isinstance(value, list | tuple):
        return {"L": [_wire(each) for each in value]}
    return _wire_set(value)


def _wire_set(value: object) -> dict[str, Any]:
    if isinstance(value, set | frozenset) and value:
        kind = next((mark for mark, types in _SETS if all(isinstance(each, types) for each in value)), None)
        if kind is not None:
            return {kind: [next(iter(_wire(each).values())) for each in value]}
    raise TypeError(f"DynamoDB has no {type(value).__name__}")  # a programmer's error: not to be tried again


_SETS: tuple[tuple[str, tuple[type, ...]], ...] = (
    ("SS", (str,)),
    ("NS", (int, float, Decimal)),
    ("BS", (bytes, bytearray)),
)


def _plain_item(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in item.items()}


def _plain(value: Mapping[str, Any]) -> Any:
    """A value as Python has it: numbers as int where they are whole, else float.

    >>> _plain({"L": [{"N": "3"}, {"N": "0.5"}, {"NULL": True}, {"M": {"a": {"BOOL": False}}}]})
    [3, 0.5, None, {'a': False}]
    """
    [(kind, held)] = value.items()
    if kind == "N":
        return _plain_number(held)
    if kind == "L":
        return [_plain(each) for each in held]
    if kind == "M":
        return _plain_item(held)
    if kind == "NULL":
        return None
    if kind == "NS":
        return {_plain_number(each) for each in held}
    return set(held) if kind in ("SS", "BS") else held


def _plain_number(text: str) -> int | float | Decimal:
    """As int or float, where that loses nothing; else as Decimal."""
    number = Decimal(text)
    if number == number.to_integral_value():
        return int(number)
    return float(number) if Decimal(repr(float(number))) == number else number
