"""flask --app app …: the commands."""

import http.client
import os
import secrets
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import click
from email_validator import EmailNotValidError, validate_email
from flask import Flask, current_app
from flask.cli import AppGroup, ScriptInfo
from flask_babel import force_locale
from flask_migrate import upgrade
from redis.exceptions import RedisError
from sqlalchemy import select

from linkstar import catalogue, clock, config, demo, doctor, evidence_pack, jobs, queue, schedule
from linkstar.extensions import LARGEST_ID, db, read_only
from linkstar.i18n import _
from linkstar.models import ROLES, SCOPES, ApiToken, Membership, SecondFactor, User, Workspace
from linkstar.models.audit_event import Fault, verify_audit
from linkstar.models.noted_heads import noted_heads, told_of
from linkstar.supervisor import Child, Supervisor, die_with_parent


def register_commands(app: Flask) -> None:
    for command in (
        start,
        serve,
        work,
        timetable,
        tick,
        load_demo,
        see_doctor,
        translate,
        verify_pack,
        verify_trail,
        user,
        token,
    ):
        app.cli.add_command(command)


class Command(click.Command):
    """Speaks the language of the terminal."""

    def invoke(self, context: click.Context) -> None:
        locale = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
        app = context.ensure_object(ScriptInfo).load_app()
        with app.app_context(), force_locale("zh_Hans" if locale.startswith("zh") else "en"):
            try:
                super().invoke(context)
            except RedisError as error:
                raise click.ClickException(_("The queue does not answer: %(error)s", error=error)) from error


port_option = click.option("--port", type=click.IntRange(1, 65535), help="The first port to try; PORT otherwise.")


@click.command(cls=Command, hidden=True)
@port_option
@click.option("--no-demo", is_flag=True)
@click.pass_context
def start(context: click.Context, port: int | None, no_demo: bool) -> None:
    """What `python3 app.py` ends with: migrate, load the demo, serve, in one process."""
    upgrade()
    if not no_demo:
        context.invoke(load_demo)
    context.invoke(serve, port=port)


@click.command(cls=Command)
@port_option
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
def serve(port: int | None, host: str) -> None:
    """Run everything: queue, pages, worker, timetable."""
    settings = current_app.config
    with closing(listen(host, port or settings["PORT"])) as listener:
        port = listener.getsockname()[1]
        if not os.environ.get("PUBLIC_URL"):
            os.environ["PUBLIC_URL"] = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}"

        def say_so() -> None:
            click.echo(_("Linkstar is at %(address)s", address=os.environ["PUBLIC_URL"]))
            for line in demo.sign_ins():
                click.echo(line)
            db.session.remove()  # or this long process would hold the database for good

        Supervisor(*children(listener)).run(when_ready=say_so)


def listen(host: str, first: int) -> socket.socket:
    """The first free port, taken before anything starts; in production a proxy counts on the first."""
    last = first if current_app.config["MODE"] == "production" else min(first + 20, 65535)
    for port in range(first, last + 1):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen(512)
        except OSError:
            listener.close()
        else:
            return listener
    raise click.ClickException(_("No free port from %(first)s to %(last)s.", first=first, last=last))


def children(listener: socket.socket) -> Iterator[list[Child]]:
    """The queue's server where none is given, then the pages, then what works unseen."""
    flask = (sys.executable, "-m", "flask", "--app", str(config.CHECKOUT / "app.py"))
    yield [] if os.environ.get("REDIS_URL") else [Child(queue_server(), ready=queue_answers)]
    yield [Child(web_server(listener), ready=lambda: pages_answer(listener), inherits=[listener.fileno()])]
    yield [Child((*flask, "work")), Child((*flask, "timetable"))]


def queue_server() -> list[str]:
    settings = current_app.config
    program = Path(__file__).with_name("valkey.py")
    place = settings["DATA"] / "queue", settings["REDIS_URL"].removeprefix("unix://")
    return [sys.executable, "-P", *map(str, (program, *place))]


def web_server(listener: socket.socket) -> list[str]:
    settings = {
        "bind": f"fd://{listener.fileno()}",
        "chdir": config.CHECKOUT,
        "worker-class": "gthread",
        "workers": 2,
        "threads": 8,
        "keep-alive": 75,
        "graceful-timeout": 1,
        "forwarded-allow-ips": "",  # the application reads these headers, as TRUSTED_PROXIES says
        "log-level": "warning",
    }
    options = [f"--{name}={value}" for name, value in settings.items()]
    return [sys.executable, "-m", "gunicorn", "app:app", "--no-control-socket", *options]


def queue_answers() -> bool:
    try:
        return bool(queue.connect(current_app.config["REDIS_URL"]).ping())
    except RedisError:
        return False


def pages_answer(listener: socket.socket) -> bool:
    host, port = listener.getsockname()
    with closing(http.client.HTTPConnection(host, port, timeout=1)) as connection:
        try:
            connection.request("GET", "/healthz")
            connection.getresponse()
        except (OSError, http.client.HTTPException):
            return False
    return True


@click.command(cls=Command)
def work() -> None:
    """Do the jobs of the queue, one after the other."""
    die_with_parent(signal.SIGTERM)
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    warn_of_links(app)
    queue.Worker(app, connection=queue.connect(app.config["REDIS_URL"])).work(logging_level="WARNING")


@click.command(cls=Command)
def timetable() -> None:
    """Enqueue the jobs of the timetable when their time comes."""
    die_with_parent(signal.SIGTERM)
    scheduler = queue.Timetable(queue.connect(current_app.config["REDIS_URL"]), logging_level="WARNING")
    schedule.fill(scheduler)
    scheduler.start()


@click.command(cls=Command)
@click.option(
    "--at",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z"]),
    help="Tell what would be told at this instant (2026-12-01T09:00:00+08:00), to try reminders out. What cannot be "
    "taken back is left alone: nothing agreed is carried out, and nothing is swept away.",
)
def tick(at: datetime | None) -> None:
    """Do once, here and now, what the timetable does all the time."""
    warn_of_links(current_app._get_current_object())  # type: ignore[attr-defined]
    with clock.at(at or clock.now()):
        jobs.plan_reminders()
        jobs.escalate()
        if at is None:
            jobs.run_agreed()
        jobs.deliver_notes()
        jobs.send_digests()
        jobs.hear()
        jobs.deliver_due()
        jobs.deliver_channels()
        if at is None:
            jobs.sweep()


def warn_of_links(app: Flask) -> None:
    """Once an hour, however often a cron comes by."""
    trouble = doctor.links(app)
    if trouble and queue.is_news("links in mails"):
        click.echo(f"{_('Links in mails')}: {trouble}", err=True)


@click.command("demo", cls=Command)
def load_demo() -> None:
    """Fill an empty database with a believable team and its launches."""
    if db.session.scalar(select(Workspace.id).limit(1)) is None:
        demo.load()
    db.session.commit()


@click.command("doctor", cls=Command)
def see_doctor() -> None:
    """Look at everything Linkstar leans on and say what is wrong."""
    troubles = 0
    for name, trouble in doctor.examine(current_app):
        troubles += bool(trouble)
        click.echo(f"✗ {name}: {trouble}" if trouble else f"✓ {name}")
    if troubles:
        raise SystemExit(1)


@click.command(cls=Command)
def translate() -> None:
    """Bring the Chinese catalogue up to what code and templates say, and list what it lacks."""
    missing = catalogue.update()
    for sentence in missing:
        click.echo(sentence)
    if missing:
        raise SystemExit(1)


@click.command("verify-pack", cls=Command)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def verify_pack(file: Path) -> None:
    """Check that an evidence pack is, byte for byte, as it was sealed."""
    with file.open("rb") as pack:
        faults = evidence_pack.verify(pack, evidence_pack.sealing_key(current_app.config["SECRET_KEY"]))
    for fault in faults:
        click.echo(fault_in_words(fault))
    if faults:
        raise SystemExit(1)
    click.echo(_("%(file)s is whole: every byte is as it was sealed.", file=file.name))


@click.command("verify-audit", cls=Command)
@click.option("--workspace", metavar="KEY", help="Only this one's chain; all of them otherwise.")
@click.option("--expect", metavar="HASH", help="A head that was noted before, and has to be in the chain still.")
def verify_trail(workspace: str | None, expect: str | None) -> None:
    """Check that the audit trail is as it was written, and say where each chain of it ends."""
    read_only()
    query = select(Workspace).order_by(Workspace.key)
    places = list(db.session.scalars(query.where(Workspace.key == workspace) if workspace else query))
    if workspace and not places:
        raise click.ClickException(_("There is no workspace %(key)s.", key=workspace))
    noted = list(noted_heads())
    chains: dict[str, int | None] = {each.key: each.id for each in places} | ({} if workspace else {"-": None})
    nowhere = set() if workspace else told_of(noted) - set(chains.values())
    chains |= {f"#{workspace_id}": workspace_id for workspace_id in sorted(nowhere, key=lambda key: key or 0)}
    verdicts = {key: verify_audit(workspace_id, expect, noted) for key, workspace_id in chains.items()}
    for key, verdict in verdicts.items():
        click.echo(f"{key}\t{verdict.count}\t{verdict.head}")
        if verdict.fault:
            click.echo(f"{key}\t{broken_in_words(verdict.fault)}")
        if chains[key] in nowhere:
            click.echo(f"{key}\t{_('There is no workspace with this number, but a history of it.')}")
    lost = expect and not any(verdict.found for verdict in verdicts.values())
    if lost:
        click.echo(
            _("The expected head is in none of these chains: newer entries were taken away, or it is another's.")
        )
    if lost or nowhere or any(verdict.fault for verdict in verdicts.values()):
        raise SystemExit(1)


def broken_in_words(fault: Fault) -> str:
    match fault.kind:
        case "deleted":
            return _("Event %(event)s was deleted.", event=fault.event_id)
        case "unlinked":
            return _("Event %(event)s has no link in the chain: Linkstar did not write it so.", event=fault.event_id)
        case "cut":
            return _(
                "The chain was noted as it stood at event %(event)s, and is another: entries were taken away, or all "
                "were written anew.",
                event=fault.event_id,
            )
    return _("Event %(event)s, or what stood before it, is not as it was written.", event=fault.event_id)


def fault_in_words(fault: evidence_pack.Fault) -> str:
    name = "".join(letter if letter.isprintable() else "?" for letter in fault.member or "")
    place = {"member": name, "offset": fault.offset}
    match fault.reason:
        case "altered":
            return _("%(member)s was altered; it begins at byte %(offset)s.", **place)
        case "missing":
            return _("%(member)s is missing; the archive goes on or ends at byte %(offset)s.", **place)
        case "added":
            return _("%(member)s was added at byte %(offset)s.", **place)
        case "seal":
            return _(
                "The seal in %(member)s, from byte %(offset)s on, does not fit the manifest and this Linkstar.", **place
            )
        case "bytes" if fault.member:
            return _("The header of %(member)s was altered at byte %(offset)s.", **place)
        case "bytes":
            return _("The directory of the ZIP was altered at byte %(offset)s.", offset=fault.offset)
    return _("This is not an evidence pack.")


user = AppGroup("user", help="Add people, list them, and let them in again.")


@user.command("add", cls=Command)
@click.argument("email")
@click.option("--name", required=True, help="As others will see it.")
@click.option("--workspace", required=True, metavar="KEY", help="The first one is made where there is none.")
@click.option("--role", type=click.Choice(list(ROLES)), required=True)
def add_user(email: str, name: str, workspace: str, role: str) -> None:
    """Add a person to a workspace; somebody new gets a password, which is shown once."""
    try:
        address = validate_email(email, check_deliverability=False).normalized.lower()
    except EmailNotValidError as error:
        raise click.ClickException(str(error)) from error
    place = db.session.scalar(select(Workspace).where(Workspace.key == workspace))
    if place is None:
        if db.session.scalar(select(Workspace.id).limit(1)):
            raise click.ClickException(_("There is no workspace %(key)s.", key=workspace))
        place = Workspace(key=workspace, name_zh=workspace, name_en=workspace)
    person = db.session.scalar(select(User).where(User.email == address))
    password = None
    if person is None:
        person, password = User(email=address, name=name), secrets.token_urlsafe(12)
        person.set_password(password)
    elif any(membership.workspace is place for membership in person.memberships):
        raise click.ClickException(_("%(email)s is in this workspace already.", email=address))
    person.active = True
    db.session.add(Membership(workspace=place, user=person, role=role))
    db.session.commit()
    click.echo(_("%(email)s is in the workspace %(key)s.", email=address, key=workspace))
    if password:
        click.echo(_("Password: %(password)s", password=password))


@user.command("reset-second-factor", cls=Command)
@click.argument("email")
def reset_second_factor(email: str) -> None:
    """Turn a person's second factor off, where phone and recovery codes are lost; signs out everywhere."""
    person = db.session.scalar(select(User).where(User.email == email.strip().lower()))
    if person is None:
        raise click.ClickException(_("There is nobody with the address %(email)s.", email=email))
    if not person.has_second_factor:
        raise click.ClickException(_("%(email)s has no second factor.", email=person.email))
    SecondFactor(person).reset(by=None)
    db.session.commit()
    click.echo(_("The second factor of %(name)s is off", name=person.name))


@user.command("list", cls=Command)
def list_users() -> None:
    """List everyone, a line for each membership."""
    query = select(Membership).join(Membership.user).join(Membership.workspace)
    for each in db.session.scalars(query.order_by(Workspace.key, User.email)):
        state = "" if each.user.active else _("closed")
        click.echo("\t".join((each.workspace.key, each.user.email, each.user.name, each.role, state)).rstrip())


token = AppGroup("token", help="Make tokens for the API, list and revoke them.")


@token.command("add", cls=Command)
@click.argument("email")
@click.option("--workspace", required=True, metavar="KEY", help="The one workspace that it opens.")
@click.option("--name", required=True, help="What it is for.")
@click.option("--scope", "scopes", type=click.Choice(SCOPES), multiple=True, required=True)
@click.option("--days", type=click.IntRange(1, 3650), default=90, show_default=True, help="When it runs out.")
def add_token(email: str, workspace: str, name: str, scopes: tuple[str, ...], days: int) -> None:
    """Make a token with which a program acts for a person; it is shown once."""
    query = select(Membership).join(Membership.user).join(Membership.workspace)
    membership = db.session.scalar(query.where(User.email == email.strip().lower(), Workspace.key == workspace))
    if membership is None:
        raise click.ClickException(_("%(email)s is not in the workspace %(key)s.", email=email, key=workspace))
    expires_at = clock.now() + timedelta(days=days)
    _row, secret = ApiToken.create(
        membership.user, membership.workspace_id, name[:80], list(dict.fromkeys(scopes)), expires_at, by=None
    )
    db.session.commit()
    click.echo(_("Token: %(token)s", token=secret))


@token.command("list", cls=Command)
def list_tokens() -> None:
    """List all tokens, a line for each; none of them can be read again."""
    for each in db.session.scalars(select(ApiToken).order_by(ApiToken.id)):
        ends = f"{each.expires_at:%Y-%m-%d}" if each.expires_at else ""
        used = f"{each.last_used_at:%Y-%m-%d}" if each.last_used_at else ""
        told = (str(each.id), each.workspace.key, each.user.email, each.name, ",".join(each.scopes), ends, used)
        click.echo("\t".join(told).rstrip())


@token.command("revoke", cls=Command)
@click.argument("token_id", type=click.IntRange(1, LARGEST_ID))
def revoke_token(token_id: int) -> None:
    """Take a token away; it opens nothing from now on."""
    row = db.session.get(ApiToken, token_id)
    if row is None:
        raise click.ClickException(_("There is no token %(number)s.", number=token_id))
    row.revoke(by=None)
    db.session.commit()
    click.echo(_("“%(name)s” is revoked", name=row.name))
