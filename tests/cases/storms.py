"""What does it look like when somebody tries leaked passwords from everywhere, and what looks like it?

One function tells one story; its docstring is the story's title.
"""

from okta_log import ANA, CLEO, LISBON, LISBON_OFFICE, MAC, SERVER, SYSTEM, Person, Place, at, thing

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
