"""What does it look like when much happens at once, or when somebody tries passwords, and what looks like it?

One function tells one story; its docstring is the story's title.
"""

from okta_log import (
    AMSTERDAM_HOST,
    ANA,
    BEN,
    CLEO,
    FRANKFURT_HOTEL,
    LISBON,
    LISBON_OFFICE,
    MAC,
    SAM,
    SERVER,
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

CITIES = [
    ("Bogota", "Colombia", 4.6097, -74.0817, 64520, "example telecom co"),
    ("Manila", "Philippines", 14.5995, 120.9842, 64521, "example broadband ph"),
    ("Cairo", "Egypt", 30.0444, 31.2357, 64522, "example dsl eg"),
    ("Warsaw", "Poland", 52.2297, 21.0122, 64523, "example cable pl"),
]


def exit_of(number):
    """A household's router that is hired out as an exit: another for each try."""
    city, country, lat, lon, asn, org = CITIES[number % len(CITIES)]
    return Place(f"192.0.2.{210 + number}", city, country, lat, lon, asn, org)


def residential(place):
    """What Okta says of such an address since 2025."""
    return {
        "securityContext": {
            "asNumber": place.asn,
            "asOrg": place.org,
            "isp": place.org,
            "domain": ".",
            "isProxy": False,
            "ipDetails": {
                "asNumber": place.asn,
                "ipServiceCategories": [
                    {"type": "Residential Proxy", "operator": "EXAMPLE_EXITS", "isAnonymous": True}
                ],
            },
        }
    }


def tries(story, after, login, place, result="FAILURE", reason="INVALID_CREDENTIALS", session=None, who=None):
    """One name and one password, from one exit."""
    nobody = {"id": None, "type": "User", "alternateId": login, "displayName": login, "detailEntry": None}
    story.says(
        after,
        "user.session.start",
        who or nobody,
        place,
        SERVER,
        session,
        result,
        reason,
        uri="/api/v1/authn",
        message="User login to Okta",
        **residential(place),
    )


def stuffing_residential(story):
    """Leaked passwords are tried from hired households, and one fits, as in April 2024."""
    for day in (0, 1):
        story.signs_in(at(day, 8), CLEO, LISBON, MAC, f"idxCleoDay{day}00000000000000")
        story.opens(at(day, 8, 1), CLEO, LISBON, MAC, f"idxCleoDay{day}00000000000000", "Wiki")
    begin = at(2, 3)
    for number in range(24):
        tries(story, begin + 70 * number, f"staff{number:02}@example.com", exit_of(number))
    target = [thing("IP Address", exit_of(3).ip, "0ip")]
    story.says(
        begin + 700,
        "security.threat.detected",
        {"id": exit_of(3).ip, "type": "IP address", "alternateId": exit_of(3).ip, "displayName": exit_of(3).ip},
        exit_of(3),
        SERVER,
        result="DENY",
        reason="Password Spray, Login failures with high unknown users count",
        targets=target,
        **residential(exit_of(3)),
    )
    story.says(
        begin + 900,
        "security.attack.start",
        SYSTEM,
        transaction={"type": "JOB", "id": "unknown", "detail": {}},
    )
    found = exit_of(30)
    session = "idxStuffed0000000000000001"
    tries(story, begin + 1_500, CLEO.login, found, "SUCCESS", None, session, CLEO)
    story.opens(
        begin + 1_530, CLEO, found, SERVER, session, "Webmail", uri="/app/webmail/exk1/sso/saml", **residential(found)
    )


def expired_monday(story):
    """Everybody's password has expired on a Monday, and some are in the habit of a VPN service."""
    service = Place(
        "192.0.2.60", "Zurich", "Switzerland", 47.3769, 8.5417, 64530, "example privacy vpn", True
    )
    staff = [Person(f"staff{number:02}@example.com", f"Staff {number:02}") for number in range(14)]
    for number, who in enumerate(staff):
        home = Place(
            f"203.0.113.{40 + number}", "Lisbon", "Portugal", 38.7223, -9.1393, 64500, "example fibre"
        )
        place = service if number % 5 == 0 else home
        begin = at(0, 8, 2 * number)
        story.fails(begin, who, place, MAC)
        story.fails(begin + 20, who, place, MAC)
        story.says(
            begin + 60,
            "user.account.update_password",
            who,
            place,
            MAC,
            targets=[who.target()],
            uri="/idp/idx/challenge/answer",
        )
        story.signs_in(begin + 70, who, place, MAC, f"idxStaff{number:02}0000000000000000")


def long_login(story):
    """A login too long for the cache of a directory's passwords is let in, as between July and October 2024."""
    who = Person("a.very.long.name.of.somebody.in.branch@example.co.uk", "Somebody Long")
    story.signs_in(at(0, 9), ANA, LISBON_OFFICE, MAC, "idxAna000000000000000000001")
    by_directory = {
        "authenticationContext": {
            "authenticationProvider": "ACTIVE_DIRECTORY",
            "credentialProvider": None,
            "credentialType": "PASSWORD",
            "issuer": None,
            "interface": None,
            "authenticationStep": 0,
            "externalSessionId": "idxLong000000000000000001",
            "rootSessionId": "idxLong000000000000000001",
        }
    }
    story.says(
        at(0, 22),
        "user.session.start",
        who,
        exit_of(7),
        MAC,
        uri="/api/v1/authn",
        message="User login to Okta",
        **by_directory,
    )
    story.opens(at(0, 22, 1), who, exit_of(7), MAC, "idxLong000000000000000001", "Files")


def long_name(story):
    """Somebody with a long name signs in with a security key."""
    who = Person("maximiliana.von.und.zu.beispielhausen@subsidiary.example.com", "Maximiliana Example")
    for day in (0, 1):
        session = f"idxMaxi{day}0000000000000000"
        story.signs_in(at(day, 9), who, LISBON_OFFICE, MAC, session)
        story.opens(at(day, 9, 1), who, LISBON_OFFICE, MAC, session, "Files")


def imports(story, begin, name, count, trigger="Schedule"):
    """An application sends so many users, one every two seconds."""
    source = app(name)
    story.system(
        begin, "system.import.start", [source], debugContext={"debugData": {"importTrigger": trigger}}
    )
    for number in range(count):
        who = Person(f"{name.lower()}{number:03}@example.com", f"Staff {number:03}")
        kind = ("app.user_management", "user.lifecycle.deactivate")[number % 2]
        story.system(begin + 2 + 2 * number, kind, [who.target(), source])
    story.system(begin + 4 + 2 * count, "system.import.complete", [source])


SOURCES = ("Personnel", "Suppliers", "Campus", "Partners")


def import_nights(story, nights):
    """Every night four applications send what changed, and two people work by day."""
    for night in range(nights):
        for number, name in enumerate(SOURCES):
            imports(story, at(night, 1 + number), name, 2 + (night + number) % 2)
        for number, who in enumerate((ANA, BEN)):
            session = token("idx", f"{who.login}/{night}", 25)
            story.signs_in(at(night, 8, 10 * number), who, LISBON_OFFICE, MAC, session)
            story.opens(at(night, 8, 10 * number + 2), who, LISBON_OFFICE, MAC, session, "Wiki")


def import_storm(story):
    """Whoever got into the systems that accounts come from changes and shuts accounts by way of all of them at once."""
    import_nights(story, 15)
    for number, name in enumerate(SOURCES):
        imports(story, at(15, 3, 6 * number), name, 80, "Manual")
    story.events.sort(key=lambda event: event["published"])


def new_integration(story):
    """An administrator adds an application that accounts come from, and its first import brings a hundred users."""
    import_nights(story, 16)
    session = "idxSamDay1500000000000000"
    story.signs_in(at(15, 10), SAM, LISBON_OFFICE, WINDOWS, session)
    story.enters(at(15, 10, 1), SAM, LISBON_OFFICE, WINDOWS, session)
    story.says(
        at(15, 10, 10),
        "application.lifecycle.create",
        SAM,
        LISBON_OFFICE,
        WINDOWS,
        session,
        targets=[app("Academy")],
        uri="/api/v1/apps",
    )
    imports(story, at(15, 10, 20), "Academy", 100, "Manual")
    story.events.sort(key=lambda event: event["published"])


def system_nights(story, nights):
    """Every night one application sends a user, and by day two people work."""
    for night in range(nights):
        imports(story, at(night, 1), "Personnel", 1)
        session = token("idx", f"ana/{night}", 25)
        story.signs_in(at(night, 8), ANA, LISBON_OFFICE, MAC, session)


def system_first_op(story):
    """A job of Okta's own principal gives a user a role, in a tenant where it never did that."""
    system_nights(story, 32)
    story.system(at(32, 3), "user.account.privilege.grant", [ANA.target()])
    story.events.sort(key=lambda event: event["published"])


def system_upkeep(story):
    """Okta's own principal warns of a rate, writes a mail, and an import shuts an account, each for the first time."""
    system_nights(story, 32)
    story.system(at(32, 3), "system.org.rate_limit.warning", [thing("URL Pattern", "/api/v1/users")])
    story.system(at(32, 4), "system.email.new_device_notification.sent_message", [ANA.target()])
    imports(story, at(32, 13), "Personnel", 3)
    story.events.sort(key=lambda event: event["published"])


NAMELESS = Device("Mozilla/5.0 (unlisted) Client/1.0", "Unknown", "UNKNOWN", "Unknown")


def office_days(story, days):
    """Ordinary days of three people, one of whom mistypes now and then."""
    for day in range(days):
        for number, who in enumerate((ANA, BEN, CLEO)):
            begin = at(day, 8, 7 * number)
            session = token("idx", f"{who.login}/{day}", 25)
            if (day + number) % 3 == 0:
                story.fails(begin - 20, who, LISBON, MAC)
            story.signs_in(begin, who, LISBON, MAC, session)
            for count, name in enumerate(("Office Suite", "Wiki")):
                story.opens(begin + 300 + 900 * count, who, LISBON, MAC, session, name)


def unknown_agent(story):
    """An application's policy refuses a browser, and lets in the same password from a client that Okta cannot name, as in 2024."""
    office_days(story, 9)
    session = "idxThief0000000000000000001"
    begin = at(9, 4)
    story.fails(begin, ANA, AMSTERDAM_HOST, WINDOWS)
    for count in range(2):
        story.says(
            begin + 60 + 40 * count,
            "policy.evaluate_sign_on",
            ANA,
            AMSTERDAM_HOST,
            WINDOWS,
            None,
            "DENY",
            "Sign-on policy evaluation resulted in DENY",
            [app("Office Suite")],
            "/app/office_suite/exk1/sso/saml",
        )
    story.says(
        begin + 420,
        "policy.evaluate_sign_on",
        ANA,
        AMSTERDAM_HOST,
        NAMELESS,
        session,
        "ALLOW",
        "Sign-on policy evaluation resulted in ALLOW",
        [app("Office Suite")],
        "/app/office_suite/exk1/sso/saml",
    )
    story.opens(begin + 421, ANA, AMSTERDAM_HOST, NAMELESS, session, "Office Suite")
    story.events.sort(key=lambda event: event["published"])


def old_mail_program(story):
    """A user's old mail program, which Okta cannot name, opens the office suite at home after two slips, and in a hotel without any."""
    office_days(story, 11)
    for day, place in ((8, LISBON), (9, LISBON), (10, FRANKFURT_HOTEL)):
        if place is LISBON:
            story.fails(at(day, 7), CLEO, place, NAMELESS, uri="/api/v1/authn")
            story.fails(at(day, 7, 1), CLEO, place, NAMELESS, uri="/api/v1/authn")
        session = token("idx", f"mail/{day}", 25)
        hour = 7 if place is LISBON else 22
        story.opens(at(day, hour, 2), CLEO, place, NAMELESS, session, "Office Suite")
    story.events.sort(key=lambda event: event["published"])
