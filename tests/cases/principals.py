"""Who really acted?

Stories of principals that are no persons: Okta's relay, directory agents, OAuth clients, AI agents and service
accounts; each break-in beside its harmless twin. One function tells one story; its docstring is the story's title.
"""

from dataclasses import replace

from okta_log import (
    AMSTERDAM_HOST,
    ANA,
    BEN,
    CLEO,
    DUBLIN_SERVER,
    HELPDESK,
    KEEPALIVE,
    LAGOS,
    LINUX,
    LISBON,
    LISBON_OFFICE,
    PROXY,
    SAM,
    SCRIPT,
    SERVER,
    SINGAPORE_HOST,
    WINDOWS,
    Device,
    Person,
    Place,
    app,
    at,
    thing,
    token,
)

OKTA_RELAY = Place("192.0.2.240", "Ashburn", "United States", 39.0438, -77.4874, 64520, "example okta cloud")
RELAY = Device("Okta-Integrations", "Unknown", "UNKNOWN", "Unknown")
CURL = Device("curl/8.5.0", "Unknown", "UNKNOWN", "Unknown")
AGENT_HOST = replace(LISBON_OFFICE, ip="203.0.113.140")
DIRECTORY_AGENT = Device("Okta AD Agent/3.19.0 (Windows Server 2022)", "Windows", "UNKNOWN", "Unknown")
BACKUP = Person("svc-backup@example.com", "Backup")
AD_ACCOUNT = Person("svc-ad-agent@example.com", "Directory agent")


def enters_console(story, moment, who, place, device, session):
    """Into the Admin Console, and Okta's own relay signs in to it for the administrator."""
    story.enters(moment, who, place, device, session)
    story.opens(
        moment + 0.4, who, OKTA_RELAY, RELAY, session, "Okta Admin Console", uri="/oauth2/v1/token"
    )


def never_rests(story, days):
    """A colleague's machine asks for its session every hour, so that the tenant is never silent."""
    for hour in range(24 * days):
        keep = token("trs", f"keep{hour}", 25)
        story.says(at(0, hour, 30), "user.session.start", CLEO, LISBON, KEEPALIVE, keep)


def in_order(story):
    """Told thread by thread; what Okta writes is in the order of time."""
    story.events.sort(key=lambda event: event["published"])


def integrations_login(story):
    """Okta's own relay signs in to the Admin Console for an administrator, from Okta's address."""
    never_rests(story, 4)
    for day in range(4):
        session = f"idxSamDay{day}000000000000000"
        story.signs_in(at(day, 8), SAM, LISBON_OFFICE, WINDOWS, session)
        for hour in (0, 3, 6):
            enters_console(story, at(day, 8 + hour, 5), SAM, LISBON_OFFICE, WINDOWS, session)
            story.says(
                at(day, 8 + hour, 20),
                "group.user_membership.add",
                SAM,
                LISBON_OFFICE,
                WINDOWS,
                session,
                targets=[BEN.target(), thing("UserGroup", "Project", "00g")],
                uri="/api/v1/groups",
            )
    in_order(story)


def agent(name):
    """A directory agent as a target."""
    return thing("AD Agent", name, "aag")


def by_agent(story, moment, who, place, device, host):
    """A password is checked by a directory's agent, then the session starts."""
    story.says(
        moment,
        "user.authentication.auth_via_AD_agent",
        who,
        place,
        device,
        targets=[agent(host)],
        uri="/idp/idx/identify",
    )
    story.signs_in(moment + 1, who, place, device, token("idx", f"{who.login}{moment}", 25))


def directory_days(story, days):
    """Ordinary days with a directory: people sign in by its agent, and its changes come in at night."""
    never_rests(story, days + 1)
    for day in range(days):
        for number, who in enumerate((ANA, BEN, CLEO)):
            by_agent(story, at(day, 8, 10 * number), who, LISBON, WINDOWS, "DC-01")
        session = f"idxSamDay{day}000000000000000"
        story.signs_in(at(day, 9), SAM, LISBON_OFFICE, WINDOWS, session)
        enters_console(story, at(day, 9, 5), SAM, LISBON_OFFICE, WINDOWS, session)
        story.system(at(day, 22), "system.import.start", [app("Active Directory")])
        for number, who in enumerate((ANA, BEN, CLEO)):
            story.system(
                at(day, 22, 0, 5 + number), "system.agent.ad.import_user", [who.target(), app("Active Directory")]
            )
        story.system(at(day, 22, 1), "system.import.complete", [app("Active Directory")])


def under_token(name):
    """The transaction of a request with an API token."""
    return {"type": "WEB", "id": token("Z", name, 26), "detail": {"requestApiTokenId": token("00T", name)}}


def rogue_directory_agent(story):
    """Intruders have an administrator's factors reset and join a directory agent of their own, as in September 2023."""
    directory_days(story, 3)
    desk = (HELPDESK, LISBON_OFFICE, WINDOWS, "idxDesk000000000000000001")
    story.signs_in(at(3, 8), *desk)
    story.says(
        at(3, 14), "user.mfa.factor.reset_all", *desk, targets=[SAM.target()], uri="/api/v1/users/factors"
    )
    thief = (SAM, PROXY, LINUX, "idxThief0000000000000000001")
    story.signs_in(at(3, 14, 6), *thief, "PASSWORD_AS_FACTOR")
    enters_console(story, at(3, 14, 8), *thief)
    key = thing("Token", "directory", "00T")
    story.says(at(3, 14, 15), "system.api_token.create", *thief, targets=[key], uri="/api/internal/tokens")
    story.says(
        at(3, 14, 20), "system.agent.ad.create", *thief, targets=[agent("DC-07")], uri="/api/v1/agents"
    )
    story.says(
        at(3, 14, 21),
        "system.agent.ad.connect",
        SAM,
        AMSTERDAM_HOST,
        DIRECTORY_AGENT,
        targets=[agent("DC-07")],
        uri="/api/1/internal/app/activedirectory/agent",
        transaction={"type": "WEB", "id": token("Z", "agent", 26), "detail": {"requestApiTokenId": key["id"]}},
    )
    story.system(at(3, 14, 30), "system.agent.ad.import_user", [thing("User", "svc_backup", "00u")])
    for number, who in enumerate((ANA, BEN, CLEO)):
        by_agent(story, at(3, 14, 40 + 4 * number), who, SINGAPORE_HOST, LINUX, "DC-07")
    in_order(story)


def directory_agent_upgrade(story):
    """The usual administrator upgrades a directory's agent on the announced day, and the directory's own account adds another."""
    directory_days(story, 3)
    session = "idxSamDay3000000000000000"
    story.signs_in(at(3, 9), SAM, LISBON_OFFICE, WINDOWS, session)
    enters_console(story, at(3, 9, 5), SAM, LISBON_OFFICE, WINDOWS, session)
    story.says(
        at(3, 10),
        "system.agent.ad.upgrade",
        SAM,
        LISBON_OFFICE,
        WINDOWS,
        session,
        targets=[agent("DC-01")],
        uri="/api/v1/agents",
    )
    host = (AD_ACCOUNT, AGENT_HOST, DIRECTORY_AGENT, "trsAgent00000000000000000")
    for minute, kind, name in (
        (4, "system.agent.ad.start", "DC-01"),
        (5, "system.agent.ad.connect", "DC-01"),
        (20, "system.agent.ad.create", "DC-02"),
        (21, "system.agent.ad.connect", "DC-02"),
    ):
        story.says(
            at(3, 10, minute),
            kind,
            *host,
            targets=[agent(name)],
            uri="/api/1/internal/app/activedirectory/agent",
            transaction=under_token("agents"),
        )
    for number, who in enumerate((ANA, BEN, CLEO)):
        by_agent(story, at(3, 11, 4 * number), who, LISBON, WINDOWS, "DC-02")
    story.system(at(3, 12), "system.agent.ad.import_user", [ANA.target(), app("Active Directory")])
    in_order(story)


def client(name, kind="PublicClientApp"):
    """A client as an actor."""
    number = token("0oa", name)
    return {"id": number, "type": kind, "alternateId": number, "displayName": name, "detailEntry": None}


ORDERS = client("Order service")
HELPER = client("Helper", "AI Agent")
POCKET = client("Pocket")


def gets(story, moment, who, place, device, scopes, result="SUCCESS", auth="private_key_jwt", **more):
    """A client gets a token in its own name; or is refused one."""
    refused = result != "SUCCESS"
    kind = "app.oauth2.token.grant" + ("" if refused else ".access_token")
    story.says(
        moment,
        kind,
        who,
        place,
        device,
        None,
        result,
        "no_matching_scope" if refused else None,
        targets=[
            {
                "id": token("at", f"{who['id']}{moment}"),
                "type": "access_token",
                "alternateId": None,
                "displayName": None,
                "detailEntry": {"expires": "3600", "subject": who["id"]},
            }
        ],
        uri="/oauth2/v1/token",
        debug={
            "grantType": "client_credentials",
            "clientAuthType": auth,
            "requestedScopes": scopes,
        }
        | ({} if refused else {"grantedScopes": scopes})
        | more,
    )


def granter_days(story, days):
    """Ordinary days of a service, an AI agent, and an application on its users' telephones."""
    places = (LISBON, LISBON_OFFICE, AMSTERDAM_HOST, LAGOS)
    for day in range(days):
        for hour in (1, 7, 13, 19):
            server = replace(DUBLIN_SERVER, ip=f"192.0.2.{130 + hour % 2}")
            gets(story, at(day, hour), ORDERS, server, SERVER, "okta.users.read")
            gets(story, at(day, hour, 10), HELPER, server, SERVER, "tickets.read")
        device = replace(SCRIPT, agent="Pocket/7.1 CFNetwork/1568 Darwin/25.1.0")
        gets(
            story, at(day, 9), POCKET, places[day % len(places)], device, "openid profile", auth="none"
        )


def client_secret_stolen(story):
    """A thief uses an OAuth client's key from a rented server, and somebody's text talks an AI agent into more than its task."""
    granter_days(story, 16)
    gets(story, at(16, 3), ORDERS, AMSTERDAM_HOST, CURL, "okta.users.manage", "FAILURE")
    gets(story, at(16, 3, 2), ORDERS, AMSTERDAM_HOST, CURL, "okta.users.read")
    gets(story, at(16, 3, 4), ORDERS, AMSTERDAM_HOST, CURL, "okta.users.read okta.groups.manage")
    gets(story, at(16, 11), HELPER, DUBLIN_SERVER, SERVER, "tickets.read, payroll.read")


def server_fleet_grows(story):
    """An OAuth client's servers become more within their network and are updated; an application's users travel."""
    granter_days(story, 16)
    newer = replace(SERVER, agent="python-requests/3.0.1")
    for count in range(12):
        server = replace(DUBLIN_SERVER, ip=f"192.0.2.{140 + count}")
        gets(story, at(16, 3, count), ORDERS, server, newer, "okta.users.read")
    gets(story, at(16, 4), HELPER, replace(DUBLIN_SERVER, ip="192.0.2.150"), newer, "tickets.read")
    device = replace(SCRIPT, agent="Pocket/7.2 CFNetwork/1568 Darwin/25.1.0")
    gets(story, at(16, 5), POCKET, SINGAPORE_HOST, device, "openid profile", auth="none")


def backup_days(story, days):
    """Every night a program works under a service account's token; Sam's own script runs at noon."""
    never_rests(story, days + 1)
    for day in range(days):
        for count in range(3):
            story.says(
                at(day, 2, 10 * count),
                "user.account.update_profile",
                BACKUP,
                DUBLIN_SERVER,
                SERVER,
                token("trs", f"backup{day}{count}", 25),
                targets=[BEN.target()],
                uri="/api/v1/users",
                transaction=under_token("backup"),
            )
        session = f"idxSamDay{day:02}00000000000000"
        story.signs_in(at(day, 8), SAM, LISBON_OFFICE, WINDOWS, session)
        story.says(
            at(day, 12),
            "group.user_membership.add",
            SAM,
            LISBON_OFFICE,
            SCRIPT,
            token("trs", f"sam{day}", 25),
            targets=[BEN.target(), thing("UserGroup", "Project", "00g")],
            uri="/api/v1/groups",
            transaction=under_token("sam"),
        )


def service_account_used(story):
    """Somebody signs in with the password of an account that a program works under."""
    backup_days(story, 14)
    session = "idxThief0000000000000000001"
    story.signs_in(at(14, 3), BACKUP, LAGOS, LINUX, session, "PASSWORD_AS_FACTOR")
    story.opens(at(14, 3, 2), BACKUP, LAGOS, LINUX, session, "Wiki")
    enters_console(story, at(14, 3, 5), BACKUP, LAGOS, LINUX, session)
    in_order(story)


def service_account_at_work(story):
    """A service account's program moves to another server, and an administrator uses a browser and a script of his own."""
    backup_days(story, 14)
    for count in range(6):
        story.says(
            at(14, 2, 10 * count),
            "user.account.update_profile",
            BACKUP,
            replace(DUBLIN_SERVER, ip="192.0.2.139"),
            SERVER,
            token("trs", f"moved{count}", 25),
            targets=[CLEO.target()],
            uri="/api/v1/users",
            transaction=under_token("backup"),
        )
    session = "idxSamDay1400000000000000"
    story.signs_in(at(14, 8), SAM, LISBON_OFFICE, WINDOWS, session)
    enters_console(story, at(14, 8, 10), SAM, LISBON_OFFICE, WINDOWS, session)
    in_order(story)


POCKET_CLI = Device("pocket-cli/2.4.0", "Unknown", "UNKNOWN", "Unknown")


def by_access_token(story, moment, who, place, device, kind, uri, target):
    """A program does something with somebody's access token: a client's id, and no session."""
    story.says(
        moment,
        kind,
        who,
        place,
        device,
        token("trs", f"{who.login}/{moment}", 25),
        targets=[target],
        uri=uri,
        client={
            "userAgent": device.client_agent(),
            "zone": "null",
            "device": device.kind,
            "id": token("0oa", device.agent),
            "ipAddress": place.ip,
            "geographicalContext": place.geo(),
        },
    )


def people_and_programs(story, days):
    """Ordinary days: three people at their browsers, and a script that has always run under the name of one of them."""
    never_rests(story, days)
    group = thing("UserGroup", "Project", "00g")
    for day in range(days):
        for number, who in enumerate((ANA, BEN, SAM)):
            session = token("idx", f"{who.login}/{day}", 25)
            story.signs_in(at(day, 8, 10 * number), who, LISBON_OFFICE, WINDOWS, session)
            story.opens(at(day, 8, 10 * number + 2), who, LISBON_OFFICE, WINDOWS, session, "Wiki")
        by_access_token(
            story, at(day, 13), BEN, LISBON_OFFICE, SCRIPT, "group.user_membership.add", "/api/v1/groups", group
        )


def account_by_program(story):
    """A thief's program works with the access token that a user was talked into giving it."""
    people_and_programs(story, 15)
    group = thing("UserGroup", "Payroll", "00g")
    story.says(
        at(15, 9),
        "app.oauth2.as.consent.grant",
        ANA,
        LISBON_OFFICE,
        WINDOWS,
        token("idx", "ana/consent", 25),
        targets=[app("Document viewer")],
        uri="/oauth2/default/v1/authorize",
    )
    for count in range(3):
        by_access_token(
            story,
            at(15, 9, 3 + 2 * count),
            ANA,
            AMSTERDAM_HOST,
            POCKET_CLI,
            "group.user_membership.add",
            "/api/v1/groups",
            group,
        )
    in_order(story)


def script_moves(story):
    """A script that has always run under a user's name gets a new version and another server; the others go on."""
    people_and_programs(story, 16)
    newer = replace(SCRIPT, agent="Go-http-client/3.0")
    group = thing("UserGroup", "Project", "00g")
    for count in range(3):
        by_access_token(
            story,
            at(16, 13, count),
            BEN,
            DUBLIN_SERVER,
            newer,
            "group.user_membership.add",
            "/api/v1/groups",
            group,
        )
    in_order(story)


def writes(story, moment, kind, who):
    """A client changes the tenant in its own name."""
    server = replace(DUBLIN_SERVER, ip="192.0.2.131")
    story.says(moment, kind, ORDERS, server, SERVER, targets=[who.target()], uri="/api/v1/users")


def client_begins_to_write(story):
    """An OAuth client that only got tokens for a month makes an account and an administrator of it, from its own server."""
    granter_days(story, 31)
    gets(story, at(31, 1), ORDERS, replace(DUBLIN_SERVER, ip="192.0.2.131"), SERVER, "okta.users.read")
    intruder = Person("svc_network_backup@example.com", "Network backup")
    writes(story, at(31, 1, 2), "user.lifecycle.create", intruder)
    writes(story, at(31, 1, 3), "user.lifecycle.activate", intruder)


def client_at_its_work(story):
    """An OAuth client that keeps accounts up to date does more of it on one day than on others."""
    granter_days(story, 32)
    for day in range(31):
        writes(story, at(day, 7, 1), "user.account.update_profile", BEN)
    for count in range(20):
        writes(story, at(31, 7, 1 + count), "user.account.update_profile", CLEO)
    in_order(story)
