"""The command ``guard``: parse, call one function, print, exit. It holds no API.

Exit codes: 0 answered; 1 findings at or above ``--fail-on``, or models that do not fit; 2 usage or a
refused ID; 3 nothing matched; 4 the source failed and nothing was read; 5 answered from incomplete data;
130 Ctrl-C.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from typing import TYPE_CHECKING, Any, TypeVar

import guards

try:
    from guards.errors import BadUsage, GuardError, MissingExtra
except ImportError:
    _WHERE = guards.__file__ or list(guards.__path__)
    print(f"guard: `import guards` gives {_WHERE}, which is another package; uninstall it", file=sys.stderr)
    sys.exit(2)

try:
    import click
except ImportError:
    print(f"guard: {MissingExtra('the command line', extra='cli')}", file=sys.stderr)
    sys.exit(MissingExtra.exit_code)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from alarms.settings import Settings
    from incidents.cloudwatch.windows import Origin
    from incidents.report import Report
    from incidents.trace import Query

_F = TypeVar("_F")

FORMATS = ("text", "json", "html", "markdown", "otlp", "perfetto")
SEVERITIES = ("info", "warning", "critical")
INTERRUPTED, INCOMPLETE, FOUND = 130, 5, 1


_ERROR = "Error: "
"""What click puts before a message of its own."""


class _Guard(click.Group):
    """A group whose errors are sentences on stderr and whose exit codes are ours."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except GuardError as error:
            _say([str(error)])
            ctx.exit(error.exit_code)
        except click.UsageError as error:
            if type(error) is not click.UsageError:  # click's own show help, or what is spelt alike
                raise
            from incidents.output import sentence

            told = sentence(_ERROR, error.message).removeprefix(_ERROR)
            raise click.UsageError(told, error.ctx) from error
        except KeyboardInterrupt:
            click.echo("guard: interrupted", err=True)
            ctx.exit(INTERRUPTED)


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from guards import __version__

        click.echo(f"guard {__version__}")
        ctx.exit()


@click.group(
    cls=_Guard, context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "GUARD"}
)
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Show it."
)
def main() -> None:
    """Explain what happened to a coaching session, and what its client saw."""
    # A short-lived command makes little cyclic garbage: looking for it less often saves a tenth of the time.
    gc.set_threshold(50_000)


_VIEW_OPTIONS = (
    click.option("--format", "format_", type=click.Choice(FORMATS), default="text", show_default=True),
    click.option("-o", "--output", type=click.Path(dir_okay=False), help="Write there instead of to stdout."),
    click.option("--no-redact", is_flag=True, help="Show log lines as they are: they may hold users' words."),
    click.option("-v", "--verbose", is_flag=True, help="On a terminal too, show everything."),
    click.option(
        "--fail-on", type=click.Choice(SEVERITIES), help="Exit with 1 if a finding is as bad as this."
    ),
)

_TRACE_OPTIONS = (
    click.option("--session", "session_id", metavar="ID", help="The session to explain."),
    click.option(
        "--request", "request_id", metavar="ID", help="A request ID: Lambda's, X-Request-ID, a gateway's."
    ),
    click.option(
        "--logs", multiple=True, metavar="PATH...", help="File, folder or pattern; - for stdin. Repeatable."
    ),
    click.option(
        "--since", metavar="TIME", help="2h, yesterday 18:00, 2026-02-09T23:00Z; UTC without a zone."
    ),
    click.option("--until", metavar="TIME", help="As --since."),
    click.option(
        "--gateway", type=click.Choice(["http", "rest"]), help="API kind: 30 s or 29 s. [default: http]"
    ),
    click.option(
        "--gateway-limit-ms", type=click.IntRange(1), help="Its integration timeout, if not the default."
    ),
    click.option(
        "--access-log-format", metavar="FORMAT", help="The $context format of the gateway's access log."
    ),
    click.option(
        "--meanings", multiple=True, type=click.Path(dir_okay=False), help="TOML: what log lines mean."
    ),
    click.option(
        "--conversation-budget-s", type=click.FloatRange(0), help="Over it a phase is slow. [default: 15]"
    ),
    click.option(
        "--extraction-budget-s", type=click.FloatRange(0), help="Over it a phase is slow. [default: 8]"
    ),
)


_LIVE_OPTIONS = (
    click.option(
        "--log-group", multiple=True, metavar="NAME", help="CloudWatch log group to search live. Repeatable."
    ),
    click.option("--profile", help="AWS profile. [default: AWS_PROFILE]"),
    click.option("--region", help="AWS Region. [default: AWS_REGION, the profile's]"),
    click.option("--endpoint-url", metavar="URL", help="Ask there instead of at AWS."),
    click.option("--table", metavar="NAME", help="Sessions table: its row tells when to look."),
    click.option(
        "--plan", "plan_only", is_flag=True, help="Print what would be searched, as JSON; scan nothing."
    ),
    click.option("--max-gb", type=click.FloatRange(0), help="Most to scan unasked, in GB. [default: 5]"),
)


def _options(decorators: tuple[Any, ...]) -> Callable[[_F], _F]:
    def apply(function: _F) -> _F:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return apply


@main.command(context_settings={"ignore_unknown_options": False})
@click.argument("more_logs", nargs=-1, metavar="[PATH]...")
@_options(_TRACE_OPTIONS + _LIVE_OPTIONS + _VIEW_OPTIONS)
def trace(more_logs: tuple[str, ...], logs: tuple[str, ...], plan_only: bool, **asked: Any) -> None:
    """Explain a session or a request from saved CloudWatch logs, or from live ones.

    \b
    guard trace --session sess_58a0ffa3-... --logs saved/
    guard trace --request ae220969-... --logs a.json.gz b.txt
    aws logs tail GROUP --since 1h | guard trace --session sess_... --logs -
    guard trace --session sess_... --log-group /aws/lambda/coaching-api --since 2h
    """
    from incidents import asked as question
    from incidents.asked import several
    from incidents.files import HELD, FileSource
    from incidents.paths import find_files

    _refuse_ids(more_logs)
    settings = question.settings(asked)
    paths = (*logs, *more_logs)
    groups = asked["log_group"] or (() if paths else several(settings.get("log_group")))
    if groups:
        return _trace_live(groups, paths, settings, asked, plan_only)
    paths = paths or several(settings.get("logs"))
    if not paths:
        raise click.UsageError(
            "name the saved logs: --logs PATH (file, folder, pattern, - for stdin), or live ones: --log-group"
        )
    if plan_only:
        raise click.UsageError("--plan is for live logs: name them with --log-group")
    wanted = _id(settings, "--logs", paths)
    files = find_files(paths)
    if "-" in files and sys.stdin.isatty():
        click.echo("guard: reading standard input; end it with Ctrl-D", err=True)
    sources = [FileSource(path, held=HELD // len(files)) for path in files]
    sources[0].expect(wanted)  # one at a time: the search takes every core

    from incidents.trace import trace as answer  # while large files are being searched

    again = question.again(asked, "since", "until")
    _show(answer(sources, question.query(settings, paths, again)), asked)


def _trace_live(
    groups: tuple[str, ...],
    paths: tuple[str, ...],
    settings: dict[str, Any],
    asked: dict[str, Any],
    plan_only: bool,
) -> None:
    """The same from live log groups, together with any files: the plan comes before any scan."""
    from incidents.asked import again, query
    from incidents.cloudwatch.live import planned, report

    _id(settings, "--log-group", groups)
    live = planned(groups, query(settings, paths, again(asked)), _live(settings, asked), _now())
    if plan_only:
        return _show_plan(live.plan)
    _show(report(live, paths, settings, _say, _allow), asked)


def _live(settings: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    """The settings, with the Region of AWS_REGION, a name that boto3 itself does not read."""
    settings["region"] = asked["region"] or os.environ.get("AWS_REGION") or settings.get("region")
    return settings


def _now() -> datetime:
    from datetime import UTC, datetime

    return datetime.now(UTC)


def _show_plan(plan: Any) -> None:
    import json

    from incidents.cloudwatch.plan import document

    _give(json.dumps(document(plan), indent=2) + "\n", "json")


def _say(lines: list[str]) -> None:
    from incidents.display import clean
    from incidents.output import sentence

    for line in lines:
        click.echo(sentence("guard: ", clean(line)), err=True)


def _allow(plan: Any, number: int) -> bool:
    """Whether a search over the budget may be made: asked for on a terminal, refused off one."""
    from incidents.cloudwatch.plan import asked_about

    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    return click.confirm(f"guard: {asked_about(plan, number)}", err=True)


@main.command(context_settings={"ignore_unknown_options": False})
@click.argument("more_logs", nargs=-1, metavar="[PATH]...")
@_options(_TRACE_OPTIONS[2:] + _LIVE_OPTIONS)
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="Write there instead of to stdout.")
@click.option("--alarm", metavar="NAME", help="Search the last time that this alarm was in ALARM.")
@click.option(
    "--by",
    type=click.Choice(["session", "user", "tenant"]),
    default="session",
    show_default=True,
    help="Group what was found so, where the lines name one.",
)
@click.option(
    "--throttled", is_flag=True, help="In saved logs, look for throttled calls too: takes half as long again."
)
@click.option("--most", type=click.IntRange(1), default=20, show_default=True, help="Sessions shown as text.")
@click.option("--fail-on", type=click.Choice(SEVERITIES), help="Exit with 1 if a case is as bad as this.")
def scan(more_logs: tuple[str, ...], logs: tuple[str, ...], **asked: Any) -> None:
    """Find the requests that went wrong, where no ID is known.

    \b
    guard scan --logs saved/
    guard scan --log-group /aws/lambda/coaching-api --since 24h
    guard scan --alarm coaching-api-duration-critical
    """
    from incidents import asked as question
    from incidents.asked import several

    settings = question.settings(asked)
    paths = (*logs, *more_logs)
    groups = asked["log_group"] or (() if paths else several(settings.get("log_group")))
    if settings.get("alarm"):
        groups = _from_alarm(settings, asked, groups, paths)
    if asked["plan_only"] and not groups:
        raise click.UsageError("--plan is for live logs: name them with --log-group")
    if groups and paths:
        raise click.UsageError("scan either saved logs (--logs) or live ones (--log-group)")
    if groups:
        found, where = _scan_live(groups, settings, asked, question.query(settings, paths))
    else:
        found, where = _scan_files(paths or several(settings.get("logs")), settings)

    from incidents.scan.views import as_json, nothing
    from incidents.scan.views import text as as_text

    if found.is_empty:
        raise nothing(found)
    where += question.again(asked)
    if asked["format_"] == "json":
        text = as_json(found, where, asked["by"])
    else:
        shape = _shape(asked["output"])
        shown = {key: value for key, value in shape.items() if key in ("columns", "ascii")}
        wrapped = shape.get("rows") is not None  # on a terminal
        text = as_text(found, where, by=asked["by"], most=asked["most"], wrapped=wrapped, **shown)
    _give(text, asked["format_"], asked["output"])
    sys.exit(_scan_code(found, asked["fail_on"]))


def _from_alarm(
    settings: dict[str, Any], asked: dict[str, Any], groups: tuple[str, ...], paths: tuple[str, ...]
) -> tuple[str, ...]:
    """Take the time from an alarm. The groups to search: where none is named, its function's."""
    from incidents.cloudwatch.live import services
    from incidents.scan.alarm import last_episode

    if asked["since"] or asked["until"]:
        raise click.UsageError("--alarm tells the time: leave --since and --until out")
    episode = last_episode(services(_live(settings, asked))("cloudwatch"), settings["alarm"])
    window = episode.window(_now())
    settings.update(since=window.since.isoformat(), until=window.until.isoformat())
    told = [episode.words]
    if not groups and not paths:
        groups = episode.groups
        told += [f"its metric is of a function, so {name} is searched" for name in groups]
        if not groups and not settings.get("logs"):
            raise click.UsageError("the alarm's metric is of no Lambda function: name --log-group or --logs")
    _say(told)
    return groups


def _scan_files(paths: tuple[str, ...], settings: dict[str, Any]) -> tuple[Any, tuple[str, ...]]:
    from incidents.scan.wishes import beginning

    if not paths:
        raise click.UsageError(
            "name the logs: --logs PATH (file, folder, pattern, - for stdin), or live ones: --log-group"
        )
    with beginning(paths, settings) as begun:  # a large file is gone through while the rest is imported
        from incidents.asked import query as query_of
        from incidents.asked import wanted
        from incidents.paths import find_files
        from incidents.scan.run import scan_files

        query = query_of(settings, paths)
        looked_for = wanted(query, throttled=bool(settings.get("throttled")))
        found = scan_files(find_files(paths), looked_for, query.gateway, query.budgets, begun)
    return found, tuple(word for path in paths for word in ("--logs", path))


def _scan_live(
    groups: tuple[str, ...], settings: dict[str, Any], asked: dict[str, Any], query: Query
) -> tuple[Any, tuple[str, ...]]:
    from incidents.asked import wanted
    from incidents.scan.live import planned, scan_live

    origin: Origin = "alarm" if settings.get("alarm") else "given"
    live = planned(groups, query, wanted(query), _live(settings, asked), _now(), origin)
    if asked["plan_only"]:
        _show_plan(live.plan)
        sys.exit(0)
    return scan_live(live, query, _say, _allow), live.words_again


def _scan_code(found: Any, fail_on: str | None) -> int:
    bar = -1 if fail_on is None else SEVERITIES.index(fail_on)
    if fail_on and any(SEVERITIES.index(case.severity) >= bar for case in found.cases):
        return FOUND
    return 0 if found.complete else INCOMPLETE


_SAID = click.option(
    "-c",
    "--context",
    "said",
    multiple=True,
    metavar="KEY=VALUE",
    help="function=NAME, timeout_s=300, api=http:ID or api=rest:NAME ... Repeatable. Over guard.toml.",
)


@main.command()
@click.option("--log-group", multiple=True, metavar="NAME", help="To be looked at. Repeatable.")
@click.option("--table", metavar="NAME", help="The sessions table.")
@click.option("--function", metavar="NAME", help="The Lambda function; -c function=NAME in short.")
@click.option("--api", metavar="KIND:ID", help="http:API-ID or rest:API-NAME, then /STAGE if any.")
@_SAID
@click.option("--profile", help="AWS profile. [default: AWS_PROFILE]")
@click.option("--region", help="AWS Region. [default: AWS_REGION, the profile's]")
@click.option("--endpoint-url", metavar="URL", help="Ask there instead of at AWS.")
@click.option(
    "--access-log-format", metavar="FORMAT", help="The $context format of the gateway's access log."
)
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
def doctor(function: str | None, api: str | None, said: tuple[str, ...], format_: str, **asked: Any) -> None:
    """Say what works and what is missing, each with its fix. Changes nothing.

    Without any option it looks at this machine alone. Ends with 1 where something failed.

    \b
    guard doctor --log-group /aws/lambda/coaching-api --table coaching-sessions
    guard doctor --function coaching-api-4b4d001 --api http:abc123
    """
    from incidents.asked import settings as settings_of
    from incidents.cloudwatch.live import services
    from incidents.doctor import views
    from incidents.doctor.examine import examine, patient_of
    from incidents.views import Options

    settings = _live(settings_of(asked), asked)
    named = {key: value for key, value in (("function", function), ("api", api)) if value is not None}
    patient = patient_of(settings, {**_words(said), **named})
    checks = list(examine(patient, services(settings), _now()))
    as_json = format_ == "json"
    _give(views.as_json(checks) if as_json else views.text(checks, Options(**_shape(None))), format_)
    sys.exit(FOUND if any(check.state == "failed" for check in checks) else 0)


@main.command("iam-policy")
@click.option("--log-group", multiple=True, metavar="NAME", required=True, help="To be read. Repeatable.")
@click.option("--table", metavar="NAME", help="Sessions table, where --table is used.")
@click.option("--function", metavar="NAME", help="The function that guard doctor looks at.")
@click.option("--api", metavar="KIND:ID", help="The API that guard doctor looks at, as it is named there.")
@click.option(
    "--for",
    "uses",
    type=click.Choice(["trace", "scan", "doctor"]),
    multiple=True,
    help="Only what this command needs. Repeatable. [default: all]",
)
def iam_policy(log_group: tuple[str, ...], uses: tuple[Any, ...], **named: str | None) -> None:
    """Print the least policy that a role needs for live logs, a statement for each use."""
    import json

    from incidents.cloudwatch.policy import USES, Named, policy
    from incidents.cloudwatch.prepare import check_groups

    check_groups(log_group)
    made = policy(Named(log_group, **named), uses or USES)
    _give(json.dumps(made, indent=2) + "\n", "json")


@main.command()
@_options(_VIEW_OPTIONS)
def demo(**asked: Any) -> None:
    """Explain a reconstruction of the incident of 2026-02-09."""
    from dataclasses import replace

    from incidents import demo as incident
    from incidents.files import FileSource
    from incidents.trace import Query
    from incidents.trace import trace as answer

    path = os.path.relpath(incident.logs())
    path = str(incident.logs()) if path.startswith(os.pardir) else path
    report = answer([FileSource(path)], Query(session_id=incident.SESSION_ID))
    click.echo(
        "guard: a reconstruction of the incident of 2026-02-09, traced from the logs in the package", err=True
    )
    command = f"{os.environ.get('GUARD_STARTED_BY', 'guard')} demo --format html -o incident.html"
    _show(replace(report, next_command=command), asked)


@main.group()
def alarms() -> None:
    """Alarms and a dashboard for a function and its API: make them, look at them, lint them."""


@alarms.command()
@click.argument("templates", nargs=-1, required=True, metavar="TEMPLATE...")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--ignore", multiple=True, metavar="RULE", help="Leave this rule out. Repeatable.")
def lint(templates: tuple[str, ...], format_: str, ignore: tuple[str, ...]) -> None:
    """Find alarms that cannot do their job in CloudFormation templates (JSON or YAML; - for stdin).

    Ends with 1 where there is an error. The rules: docs/lint.md.
    """
    from alarms.lint import lint_files, views
    from incidents.display import clean

    found = lint_files(templates, ignore=ignore)
    if format_ == "json":
        _give(views.as_json(found, len(templates)), "json")
    else:
        _give(views.text(found, len(templates), clean), "text")
    sys.exit(FOUND if any(each.severity == "error" for each in found) else 0)


@alarms.command("synth")
@_SAID
@click.option(
    "--format",
    "format_",
    type=click.Choice(["cloudformation", "json"]),
    default="cloudformation",
    show_default=True,
    help="A template, or the catalog itself for whoever deploys with Pulumi or Terraform.",
)
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="Write there instead of to stdout.")
def alarms_synth(said: tuple[str, ...], format_: str, output: str | None) -> None:
    """Write the template of all alarms, without the CDK CLI.

    \b
    guard alarms synth -c function=coaching-api-4b4d001 -c timeout_s=300 \\
        -c api=http:abc123 -c email=oncall@example.com -o alarms.json
    aws cloudformation deploy --stack-name coaching-alarms --template-file alarms.json
    """
    import json

    from alarms.document import summary
    from alarms.settings import from_words

    settings = from_words(_words(said), ".")
    made = _document(settings) if format_ == "json" else _template(settings)
    text = json.dumps(made, indent=1) + "\n"
    _give(text, "json", output)
    for sentence in summary(settings, template=format_ != "json"):
        click.echo(f"guard: {sentence}", err=True)


@alarms.command("app")
def alarms_app() -> None:
    """Be a CDK app.

    \b
    cdk deploy --app "guard alarms app" -c function=coaching-api-4b4d001 -c timeout_s=300 \\
        -c api=http:abc123 -c email=oncall@example.com
    """
    if "CDK_OUTDIR" not in os.environ:
        raise BadUsage(
            "this is a CDK app, and the CDK CLI runs it",
            hint='run: cdk deploy --app "guard alarms app" -c function=...; without it: guard alarms synth',
        )
    _without_cdk_validation()
    from dashboards.app import make_app

    make_app().synth()


@alarms.command("index-policy")
@click.argument("log_group", metavar="LOG-GROUP")
@click.option("--existing", metavar="FILE", help="The answer of the first call; - for stdin.")
def alarms_index_policy(log_group: str, existing: str | None) -> None:
    """Print the calls that index our records' IDs in a log group that someone else owns.

    A call would replace the policy that the group has. So read that first, then have it merged. Without
    --existing it prints both steps:

    \b
    aws logs describe-index-policies --log-group-identifiers /aws/lambda/NAME > policy.json
    guard alarms index-policy /aws/lambda/NAME --existing policy.json
    """
    from alarms.index_policy import load, put_command, recipe

    click.echo(recipe(log_group) if existing is None else put_command(log_group, load(existing)))


def _document(settings: Settings) -> dict[str, Any]:
    from alarms.document import document

    return document(settings)


def _template(settings: Settings) -> dict[str, Any]:
    _without_cdk_validation()
    from dashboards.app import synth

    return synth(settings)


def _without_cdk_validation() -> None:
    # CDK's own check of a template takes 9 s of 10 and found none of six planted mistakes.
    # jsii's Node takes it over when aws_cdk is imported; who sets CDK_VALIDATION=true has it all the same.
    os.environ.setdefault("CDK_VALIDATION", "false")


def _words(said: tuple[str, ...]) -> dict[str, str]:
    pairs = [each.partition("=") for each in said]
    for key, equals, _ in pairs:
        if not equals:
            raise BadUsage(f"-c {key} has no value", hint=f"write -c {key}=VALUE")
    return {key: value for key, _, value in pairs}


@main.group()
def models() -> None:
    """The models that converse and extract, and their declared times."""


@models.command("check")
@click.option("--registry", type=click.Path(dir_okay=False), help="TOML. [default: GUARD_MODELS, or ours]")
@click.option("--conversation", metavar="CODE", help="The pair to judge. [default: the registry's]")
@click.option("--extraction", metavar="CODE", help="As --conversation.")
@click.option(
    "--margin-s", type=click.FloatRange(0), default=5.0, show_default=True, help="For all the rest."
)
@click.option("--gateway", type=click.Choice(["http", "rest"]), default="http", show_default=True)
@click.option("--gateway-limit-ms", type=click.IntRange(1), help="Its timeout, if not the default.")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
def check_models(
    registry: str | None, conversation: str | None, extraction: str | None, **asked: Any
) -> None:
    """Say which conversation and extraction models fit one request, by their declared p95.

    Exits with 1 when the pair asked for does not fit.
    """
    from datetime import timedelta

    from guards.limits import GATEWAY_LIMITS
    from guards.models import load
    from guards.pairs import as_json, as_text, judge

    known = load(registry)
    milliseconds = asked["gateway_limit_ms"]
    limit = timedelta(milliseconds=milliseconds) if milliseconds else GATEWAY_LIMITS[asked["gateway"]]
    pair = (conversation or known.conversation, extraction or known.extraction)
    verdict = judge(known, pair, limit, timedelta(seconds=asked["margin_s"]))
    _give((as_json if asked["format_"] == "json" else as_text)(verdict), asked["format_"])
    sys.exit(0 if verdict.fits else FOUND)


def _id(settings: dict[str, Any], option: str, names: tuple[str, ...]) -> str:
    """The one ID that is asked for; ``option`` and ``names`` are the logs, for whoever knows none."""
    from incidents.sources import check_id

    given = [str(settings[key]) for key in ("session_id", "request_id") if settings.get(key) is not None]
    if len(given) == 2:
        raise click.UsageError("give one of the two: --session or --request")
    if not given:
        import shlex

        where = "--logs PATH" if "-" in names else shlex.join(x for name in names for x in (option, name))
        raise click.UsageError(
            "name what to explain: either --session ID or --request ID; "
            f"no ID? guard scan {where} finds what went wrong"
        )
    check_id(given[0])
    return given[0]


def _refuse_ids(paths: tuple[str, ...]) -> None:
    """An ID without its option would be looked for as a file."""
    import re

    from incidents.scalars import UUID

    for path in paths:
        option = "--session" if re.fullmatch(r"sess_[\w-]+", path) else "--request"
        if (option == "--session" or re.fullmatch(UUID, path)) and not os.path.exists(path):
            raise click.UsageError(f"{path} looks like an ID: {option} {path}")


def _show(report: Report, asked: dict[str, Any]) -> None:
    """Print or write the report, and exit with what it comes to."""
    from incidents.views import Options, view

    output = asked["output"]
    options = Options(redact=not asked["no_redact"], all_lines=asked["verbose"], **_shape(output))
    _give(view(asked["format_"])(report, options), asked["format_"], output)
    sys.exit(_exit_code(report, asked["fail_on"]))


def _shape(output: str | None) -> dict[str, Any]:
    """How wide and how colourful an answer may be: as its terminal is; a file's is the default."""
    from incidents.output import terminal, timezone

    return terminal() if output is None else timezone()


def _give(text: str, format_: str, output: str | None = None) -> None:
    from incidents.output import put, write

    if output is None:
        put(text, format_)
    else:
        write(output, text)
        click.echo(f"guard: wrote {output}", err=True)


def _exit_code(report: Report, fail_on: str | None) -> int:
    if fail_on is not None:
        bar = SEVERITIES.index(fail_on)
        if any(SEVERITIES.index(finding.severity) >= bar for finding in report.findings):
            return FOUND
    return 0 if report.timeline.complete else INCOMPLETE


def run() -> None:
    """The command as installed: main, without taking a whole interpreter apart when all is said."""
    code: object = 0
    try:
        main()
    except SystemExit as end:
        code = end.code or 0
    if not isinstance(code, int):
        sys.exit(code)  # type: ignore[arg-type]  # a text: Python prints it
    with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, or there is none
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    run()
