"""What happened to API tokens, to sessions, and to administrators' sessions?

Attacks, and beside each the harmless story that looks like it. One function tells one story; its docstring is the
story's title.
"""

from dataclasses import dataclass, replace

from okta_log import (
    AMSTERDAM_HOST,
    ANA,
    BEN,
    CLEO,
    DUBLIN_SERVER,
    LINUX,
    LISBON,
    LISBON_OFFICE,
    MAC,
    PORTO_MOBILE,
    SAM,
    SCRIPT,
    SERVER,
    SINGAPORE_HOST,
    SYSTEM,
    WINDOWS,
    Device,
    Person,
    Place,
    app,
    at,
    thing,
    token,
)

TINA = Person("tina.admin@example.com", "Tina Example")
MADRID_VPN = Place("192.0.2.180", "Madrid", "Spain", 40.4165, -3.7026, 64515, "example anonymous", True)
DUBLIN_OTHER = replace(DUBLIN_SERVER, ip="192.0.2.151")


@dataclass(frozen=True)
class Updated(Device):
    """A browser after an update: its cookies are those it had before."""

    cookies: str = ""

    def hash(self):
        return self.cookies


def updated(device):
    """The same browser after an update."""
    agent = device.agent.replace("143.", "144.")
    return Updated(agent, device.os, device.browser, device.kind, device.hash())


def reads_secret(story, after, *who):
    """Somebody is shown the client secret of an identity provider."""
    provider = [thing("IdentityProvider", "Partner", "0oa")]
    story.says(after, "system.idp.lifecycle.read_client_secret", *who, targets=provider, uri="/api/v1/idps")


def clears(story, after, *who, whose):
    """An administrator ends all sessions of a user."""
    story.says(after, "user.session.clear", *who, targets=[whose.target()], uri="/api/v1/users/sessions")


def by_token(story, after, who, place, device, name, kind, targets, uri, **more):
    """A program does something with an API token of a user's."""
    request = f"{name}/{after}"
    detail = {"requestApiTokenId": token("00T", name)}
    story.says(
        after,
        kind,
        who,
        place,
        device,
        token("trs", request, 25),
        targets=targets,
        uri=uri,
        transaction={"type": "WEB", "id": token("Z", request, 26), "detail": detail},
        **more,
    )


def syncs(story, day, place, device=SCRIPT):
    """An integration adds somebody to a group, as it does every night."""
    joined = [thing("UserGroup", "Payroll", "00g"), BEN.target()]
    add = ("group.user_membership.add", joined, "/api/v1/groups/users")
    by_token(story, at(day, 3), SAM, place, device, "payroll", *add)


def makes_token(story, after, *who, name, network="ANYWHERE"):
    """Somebody makes an API token."""
    story.says(
        after,
        "system.api_token.create",
        *who,
        targets=[{**thing("Token", name, "00T"), "id": token("00T", name)}],
        uri="/api/internal/tokens",
        debug={"networkConnection": network},
    )


def console_refused(story):
    """A session from a browser recording is refused the console and goes round it, as in October 2023."""
    session = "idxAdmin0000000000000000001"
    admin = (SAM, LISBON_OFFICE, WINDOWS, session)
    for day in (0, 1):
        story.signs_in(at(day, 9), SAM, LISBON_OFFICE, WINDOWS, f"idxSamDay{day}000000000000000")
    story.signs_in(at(2, 9), *admin)
    story.opens(at(2, 9, 4), *admin, "Support Portal")
    thief = (SAM, MADRID_VPN, MAC, session)
    story.is_refused_console(at(2, 9, 34), *thief)
    story.says(
        at(2, 9, 36),
        "policy.evaluate_sign_on",
        *thief,
        result="DENY",
        targets=[thing("PolicyEntity", "Everyone", "00p")],
        reason="Sign-on policy evaluation resulted in DENY",
        uri="/reports/password-health/async_csv_download_schedule",
    )
    backup = Person("svc-network-backup@example.com", "svc_network_backup")
    for second, step in ((0, "create"), (2, "activate")):
        story.says(
            at(2, 9, 40, second), f"user.lifecycle.{step}", *thief, targets=[backup.target()], uri="/api/v1/users"
        )
    story.says(
        at(2, 9, 41),
        "group.user_membership.add",
        *thief,
        result="FAILURE",
        reason="You do not have permission to perform the requested action",
        targets=[thing("UserGroup", "Administrators", "00g"), backup.target()],
        uri="/api/v1/groups/users",
    )
    story.opens(at(2, 9, 50), *admin, "Wiki")
    ana = (ANA, LISBON_OFFICE, MAC, "idxAna000000000000000000001")
    clears(story, at(2, 9, 58), *ana, whose=SAM)
    story.says(at(2, 9, 59), "user.lifecycle.deactivate", *ana, targets=[backup.target()], uri="/api/v1/users")


def provider_touched(story):
    """A stolen session touches the identity provider and asks who the administrators are, as in September 2023."""
    session = "idxAdmin0000000000000000001"
    admin = (TINA, LISBON, MAC, session)
    for day in (0, 1):
        story.signs_in(at(day, 9), TINA, LISBON, MAC, f"idxTinaDay{day}00000000000000")
    story.signs_in(at(2, 9), *admin)
    story.enters(at(2, 9, 2), *admin)
    story.opens(at(2, 9, 20), *admin, "Support Portal")
    thief = (TINA, SINGAPORE_HOST, LINUX, session)
    story.says(
        at(2, 10, 5),
        "policy.evaluate_sign_on",
        *thief,
        result="DENY",
        targets=[app("Okta Dashboard")],
        reason="Sign-on policy evaluation resulted in DENY",
        uri="/app/UserHome",
    )
    provider = [thing("IdentityProvider", "Google", "0oa")]
    for minute, step in ((8, "update"), (9, "activate")):
        story.says(at(2, 10, minute), f"system.idp.lifecycle.{step}", *thief, targets=provider, uri="/api/v1/idps")
    story.says(
        at(2, 10, 12),
        "analytics.reports.export.request",
        *thief,
        uri="/reports/administrators/export",
        targets=[thing("Report", "Administrators", "rep")],
    )
    story.says(
        at(5, 11),
        "user.authentication.auth_via_IDP",
        SYSTEM,
        SINGAPORE_HOST,
        LINUX,
        None,
        "FAILURE",
        "IdP not found",
        targets=[TINA.target(), provider[0]],
        uri="/sso/saml2/google",
        debug={"idpDisplayName": "Google"},
    )


def two_administrators(story):
    """Two administrators' open sessions are replayed from one support ticket, as in October 2023."""
    admins = [
        (SAM, LISBON_OFFICE, WINDOWS, "idxSam00000000000000000001"),
        (TINA, LISBON_OFFICE, MAC, "idxTina0000000000000000001"),
    ]
    for minute, admin in enumerate(admins):
        story.signs_in(at(0, 9, minute), *admin)
        story.enters(at(0, 9, 5 + minute), *admin)
    # The one thief has the browser of the recording and the network of a provider; the other calls from the
    # company's own provider, with a browser that exists nowhere.
    first = (SAM, AMSTERDAM_HOST, LINUX, admins[0][3])
    story.opens(at(0, 11), *first, "Ticketing")
    reads_secret(story, at(0, 11, 4), *first)
    neighbour = replace(LISBON_OFFICE, ip="203.0.113.150")
    old = replace(MAC, agent=MAC.agent.replace("143.", "99."))
    story.opens(at(0, 11, 10), TINA, neighbour, old, admins[1][3], "Wiki")
    for minute, admin in enumerate(admins):
        story.opens(at(0, 11, 20 + minute), *admin, "Mail")


def console_day(story):
    """Two administrators send a recording, read a secret, update their browsers and work on a train."""
    sam = (SAM, LISBON_OFFICE, WINDOWS, "idxSam00000000000000000001")
    story.signs_in(at(0, 9), *sam)
    story.enters(at(0, 9, 2), *sam)
    story.opens(at(0, 9, 30), *sam, "Support Portal")
    reads_secret(story, at(0, 10), *sam)
    newer = (SAM, LISBON_OFFICE, updated(WINDOWS), "idxSam00000000000000000001")
    story.opens(at(0, 12), *newer, "Wiki")
    train = (SAM, PORTO_MOBILE, updated(WINDOWS), "idxSam00000000000000000001")
    story.opens(at(0, 17), *train, "Mail")
    rule = [thing("PolicyRule", "Everyone", "rul")]
    story.says(at(0, 17, 20), "policy.rule.update", *train, targets=rule, uri="/api/v1/policies/rules")
    tina = (TINA, LISBON, MAC, "idxTina0000000000000000001")
    story.signs_in(at(0, 9, 10), *tina)
    story.enters(at(0, 9, 20), *tina)
    # Nothing is logged for hours while the console is open, and the browser was updated meanwhile.
    office = (TINA, LISBON_OFFICE, updated(MAC), "idxTina0000000000000000001")
    story.opens(at(0, 15), *office, "Wiki")
    story.says(at(0, 18), "user.session.end", *office, uri="/login/signout")
    story.events.sort(key=lambda event: event["published"])


def browser_updated(story):
    """A browser updates itself within a session, on the way from home to the office."""
    session = "idxBen00000000000000000001"
    story.signs_in(at(0, 8), BEN, LISBON, MAC, session)
    story.opens(at(0, 8, 5), BEN, LISBON, MAC, session, "Mail")
    story.opens(at(0, 9), BEN, LISBON_OFFICE, updated(MAC), session, "Wiki")
    story.opens(at(0, 10), BEN, LISBON_OFFICE, updated(MAC), session, "Payroll")


def token_stolen(story):
    """An integration's API token is copied, and used from another network after three weeks."""
    story.signs_in(at(0, 9), SAM, LISBON_OFFICE, WINDOWS, "idxSam00000000000000000001")
    story.enters(at(0, 9, 2), SAM, LISBON_OFFICE, WINDOWS, "idxSam00000000000000000001")
    makes_token(story, at(0, 9, 10), SAM, LISBON_OFFICE, WINDOWS, "idxSam00000000000000000001", name="payroll")
    for day in range(2, 23):
        syncs(story, day, DUBLIN_SERVER)
    joined = [thing("UserGroup", "Finance", "00g"), CLEO.target()]
    for minute in (0, 2):
        add = ("group.user_membership.add", joined, "/api/v1/groups/users")
        by_token(story, at(22, 14, minute), SAM, AMSTERDAM_HOST, SERVER, "payroll", *add)
    syncs(story, 23, DUBLIN_SERVER)


def token_moves(story):
    """An integration moves to another address of its provider, and is updated."""
    story.signs_in(at(0, 9), SAM, LISBON_OFFICE, WINDOWS, "idxSam00000000000000000001")
    story.enters(at(0, 9, 2), SAM, LISBON_OFFICE, WINDOWS, "idxSam00000000000000000001")
    makes_token(story, at(0, 9, 10), SAM, LISBON_OFFICE, WINDOWS, "idxSam00000000000000000001", name="payroll")
    for day in range(2, 16):
        syncs(story, day, DUBLIN_SERVER)
    for day in range(16, 23):
        syncs(story, day, DUBLIN_OTHER, replace(SCRIPT, agent="Go-http-client/2.1"))
    # The owner's own travels are none of the token's.
    story.signs_in(at(22, 9), SAM, LISBON_OFFICE, WINDOWS, "idxSam00000000000000000002")
    story.opens(at(22, 9, 5), SAM, LISBON_OFFICE, WINDOWS, "idxSam00000000000000000002", "Wiki")


def cleared_lives_on(story):
    """A help desk ends a user's sessions, and one of them goes on."""
    story.signs_in(at(0, 9), ANA, LISBON, MAC, "idxAna00000000000000000001")
    story.opens(at(0, 9, 5), ANA, LISBON, MAC, "idxAna00000000000000000001", "Mail")
    clears(story, at(0, 10), SAM, LISBON_OFFICE, WINDOWS, "idxSam00000000000000000001", whose=ANA)
    story.opens(at(0, 10, 30), ANA, LISBON, MAC, "idxAna00000000000000000001", "Payroll")


def cleared_begins_anew(story):
    """A help desk ends a user's sessions, and the user signs in again."""
    story.signs_in(at(0, 9), ANA, LISBON, MAC, "idxAna00000000000000000001")
    story.opens(at(0, 9, 5), ANA, LISBON, MAC, "idxAna00000000000000000001", "Mail")
    clears(story, at(0, 10), SAM, LISBON_OFFICE, WINDOWS, "idxSam00000000000000000001", whose=ANA)
    story.signs_in(at(0, 10, 20), ANA, LISBON, MAC, "idxAna00000000000000000002")
    story.opens(at(0, 10, 30), ANA, LISBON, MAC, "idxAna00000000000000000002", "Payroll")
