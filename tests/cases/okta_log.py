"""What does Okta write for one thing that happened?

People, places and devices of the stories, and an event as the System Log API returns it. Everything follows
from the arguments: no clock and no chance. Addresses, networks and names are those reserved for
documentation.
"""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

NAMESPACE = uuid.UUID("6f1c0a52-3d5e-4b9a-9a3c-51f0c6c4d7e1")


def token(prefix, text, length=20):
    """An id in Okta's manner: a prefix that names the kind, then letters and digits."""
    return (prefix + hashlib.sha256(text.encode()).hexdigest())[:length]


@dataclass(frozen=True)
class Person:
    """A user of the tenant."""

    login: str
    name: str

    @property
    def id(self):
        return token("00u", self.login)

    def actor(self):
        return {
            "id": self.id,
            "type": "User",
            "alternateId": self.login,
            "displayName": self.name,
            "detailEntry": None,
        }

    def target(self):
        return {
            "id": self.id,
            "type": "User",
            "alternateId": self.login,
            "displayName": self.name,
            "detailEntry": None,
        }


@dataclass(frozen=True)
class Place:
    """An address with what Okta says of it."""

    ip: str
    city: str
    country: str
    lat: float
    lon: float
    asn: int
    org: str
    proxy: bool = False

    def geo(self):
        return {
            "city": self.city,
            "state": self.city,
            "country": self.country,
            "postalCode": None,
            "geolocation": {"lat": self.lat, "lon": self.lon},
        }


@dataclass(frozen=True)
class Device:
    """A client program on a machine."""

    agent: str
    os: str
    browser: str
    kind: str = "Computer"

    def client_agent(self):
        return {"rawUserAgent": self.agent, "os": self.os, "browser": self.browser}

    def hash(self):
        return hashlib.sha256(self.agent.encode()).hexdigest()


SYSTEM = {
    "id": token("spr", "system"),
    "type": "SystemPrincipal",
    "alternateId": "system@okta.com",
    "displayName": "Okta System",
    "detailEntry": None,
}
NO_CLIENT = {
    "userAgent": None,
    "zone": None,
    "device": None,
    "id": None,
    "ipAddress": None,
    "geographicalContext": None,
}

ANA = Person("ana@example.com", "Ana Example")
BEN = Person("ben@example.com", "Ben Example")
CLEO = Person("cleo@example.com", "Cleo Example")
HELPDESK = Person("helpdesk@example.com", "Help Desk")
SAM = Person("sam.admin@example.com", "Sam Example")

LISBON = Place("203.0.113.10", "Lisbon", "Portugal", 38.7223, -9.1393, 64500, "example fibre")
LISBON_OFFICE = Place("203.0.113.130", "Lisbon", "Portugal", 38.7223, -9.1393, 64496, "example company")
PORTO_MOBILE = Place("203.0.113.200", "Porto", "Portugal", 41.1496, -8.6110, 64502, "example mobile")
AMSTERDAM_HOST = Place("198.51.100.66", "Amsterdam", "Netherlands", 52.3740, 4.8897, 64510, "example hosting")
SINGAPORE_HOST = Place(
    "198.51.100.140", "Singapore", "Singapore", 1.2897, 103.8501, 64511, "example cloud asia"
)
LAGOS = Place("192.0.2.77", "Lagos", "Nigeria", 6.4541, 3.3947, 64505, "example isp lagos")
PROXY = Place("192.0.2.200", "Bucharest", "Romania", 44.4323, 26.1063, 64509, "example privacy", True)
FRANKFURT_VPN = Place("192.0.2.10", "Frankfurt am Main", "Germany", 50.1155, 8.6842, 64508, "example vpn")
DUBLIN_SERVER = Place("192.0.2.130", "Dublin", "Ireland", 53.3331, -6.2489, 64507, "example cloud")

MAC = Device(
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/143.0.0.0 Safari/537.36",
    "Mac OS X",
    "CHROME",
)
WINDOWS = Device(
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/143.0.0.0 Safari/537.36 Edg/143.0.0.0",
    "Windows 10",
    "CHROMIUM_EDGE",
)
LINUX = Device("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Linux", "FIREFOX")
PHONE = Device(
    "D7KQ2T9XYZ.com.okta.mobile/9.40.1 OktaVerify/9.40.1 iOS/26.1 Apple/iPhone16,1",
    "iOS 26",
    "UNKNOWN",
    "Mobile",
)
SERVER = Device("python-requests/2.32.5", "Unknown", "UNKNOWN", "Unknown")
SCRIPT = Device("Go-http-client/2.0", "Unknown", "UNKNOWN", "Unknown")
KEEPALIVE = Device("Jamf%20Connect/3.2 CFNetwork/1568 Darwin/25.1.0", "Unknown", "UNKNOWN", "Computer")


def app(name):
    """An application as a target."""
    return {
        "id": token("0oa", name),
        "type": "AppInstance",
        "alternateId": name,
        "displayName": name,
        "detailEntry": {"signOnModeType": "SAML_2_0"},
    }


def thing(kind, name, prefix="0ob", **more):
    """Anything else as a target."""
    return {
        "id": token(prefix, name),
        "type": kind,
        "alternateId": "unknown",
        "displayName": name,
        "detailEntry": None,
        **more,
    }


CONSOLE = app("Okta Admin Console")

FRANKFURT = Place("198.51.100.7", "Frankfurt am Main", "Germany", 50.1155, 8.6842, 64512, "example kabel")
FRANKFURT_HOTEL = Place(
    "198.51.100.20", "Frankfurt am Main", "Germany", 50.1155, 8.6842, 64513, "example hotel net"
)
LONDON_MOBILE = Place("192.0.2.60", "London", "United Kingdom", 51.5085, -0.1257, 64514, "example mobile")
GATEWAY = Place("192.0.2.20", "Frankfurt am Main", "Germany", 50.1155, 8.6842, 64508, "example gateway")


class Story:
    """Writes down what happens, in the order in which it is told."""

    def __init__(self, name, start):
        self.name = name
        self.start = datetime.fromisoformat(start).replace(tzinfo=UTC)
        self.events = []

    def says(
        self,
        after,
        kind,
        actor,
        place=None,
        device=None,
        session=None,
        result="SUCCESS",
        reason=None,
        targets=(),
        uri="/api/v1/authn",
        debug=None,
        message=None,
        **more,
    ):
        """Adds one event, `after` seconds from the story's start; `more` replaces whole parts of it."""
        number = len(self.events)
        request = token("Z", f"{self.name}/{number}", 26)
        published = (self.start + timedelta(seconds=after)).isoformat(timespec="milliseconds")
        facts = {"requestId": request, "requestUri": uri, "url": f"{uri}?", "threatSuspected": "false"}
        if device:
            facts |= {"dtHash": device.hash(), "deviceFingerprint": device.hash()[:32]}
        event = {
            "actor": actor.actor() if isinstance(actor, Person) else actor,
            "client": dict(NO_CLIENT)
            if place is None
            else {
                "userAgent": device.client_agent(),
                "zone": "null",
                "device": device.kind,
                "id": None,
                "ipAddress": place.ip,
                "geographicalContext": place.geo(),
            },
            "device": None,
            "authenticationContext": {
                "authenticationProvider": None,
                "credentialProvider": None,
                "credentialType": None,
                "issuer": None,
                "interface": None,
                "authenticationStep": 0,
                "externalSessionId": session or "unknown",
                "rootSessionId": session or "unknown",
            },
            "displayMessage": message or kind.replace(".", " ").replace("_", " ").capitalize(),
            "eventType": kind,
            "outcome": {"result": result, "reason": reason},
            "published": published.replace("+00:00", "Z"),
            "securityContext": {
                "asNumber": place.asn if place else None,
                "asOrg": place.org if place else None,
                "isp": place.org if place else None,
                "domain": "." if place else None,
                "isProxy": place.proxy if place else None,
            },
            "severity": "WARN" if result in ("FAILURE", "DENY") else "INFO",
            "debugContext": {"debugData": facts | (debug or {})},
            "legacyEventType": None,
            "transaction": {"type": "WEB", "id": request, "detail": {}},
            "uuid": str(uuid.uuid5(NAMESPACE, f"{self.name}/{number}")),
            "version": "0",
            "request": {
                "ipChain": []
                if place is None
                else [{"ip": place.ip, "geographicalContext": place.geo(), "version": "V4", "source": None}]
            },
            "target": [dict(target) for target in targets] or None,
        }
        self.events.append(event | more)
        return event["uuid"]

    def signs_in(self, after, who, place, device, session, factor="FIDO_WEBAUTHN"):
        """Policy, factor, session: what an ordinary sign-in leaves within two seconds."""
        self.says(
            after,
            "policy.evaluate_sign_on",
            who,
            place,
            device,
            session,
            "CHALLENGE",
            "Sign-on policy evaluation resulted in CHALLENGE",
            [thing("PolicyEntity", "Everyone", "00p")],
            "/idp/idx/identify",
        )
        self.says(
            after + 1,
            "user.authentication.auth_via_mfa",
            who,
            place,
            device,
            session,
            targets=[who.target()],
            uri="/idp/idx/challenge/answer",
            debug={"factor": factor},
        )
        self.says(
            after + 2,
            "user.session.start",
            who,
            place,
            device,
            session,
            uri="/idp/idx/challenge/answer",
            message="User login to Okta",
            legacyEventType="core.user_auth.login_success",
        )

    def opens(self, after, who, place, device, session, name, uri=None, **more):
        """An application is opened from the browser."""
        self.says(
            after,
            "user.authentication.sso",
            who,
            place,
            device,
            session,
            targets=[
                app(name),
                {
                    "id": token("0ua", who.login + name),
                    "type": "AppUser",
                    "alternateId": who.login,
                    "displayName": who.name,
                    "detailEntry": None,
                },
            ],
            uri=uri or f"/app/{name.lower().replace(' ', '_')}/{token('exk', name)}/sso/saml",
            debug={"initiationType": "SP_INITIATED", "signOnMode": "SAML 2.0"},
            message="User single sign on to app",
            legacyEventType="app.auth.sso",
            **more,
        )

    def enters(self, after, *who, **more):
        """The Admin Console is entered, or not: `more` says why."""
        self.says(
            after,
            "user.session.access_admin_app",
            *who,
            targets=[CONSOLE],
            uri="/admin/sso/callback",
            **more,
        )

    def is_refused_console(self, after, *who, wait=1):
        """The console's policy refuses a session, and `wait` seconds later so does the console."""
        self.says(
            after,
            "policy.evaluate_sign_on",
            *who,
            result="DENY",
            targets=[CONSOLE],
            reason="Sign-on policy evaluation resulted in DENY",
            uri="/admin/sso/request",
        )
        self.enters(after + wait, *who, result="FAILURE", reason="Access denied by policy")

    def fails(self, after, who, place, device, reason="INVALID_CREDENTIALS", uri="/idp/idx/identify"):
        """A sign-in fails for its password."""
        self.says(
            after,
            "user.session.start",
            who,
            place,
            device,
            None,
            "FAILURE",
            reason,
            uri=uri,
            message="User login to Okta",
            legacyEventType="core.user_auth.login_failed",
        )

    def declines(self, after, who, place, session):
        """A push is sent for a session elsewhere, and the phone at `place` declines it."""
        self.says(
            after,
            "user.authentication.auth_via_mfa",
            who,
            place,
            PHONE,
            session,
            "FAILURE",
            "INVALID_CREDENTIALS",
            [who.target()],
            f"/idp/authenticators/{token('aut', who.login)}/transactions/verify",
            {"factor": "OKTA_VERIFY_PUSH", "pushOnlyResponseType": "OV_RESPONSE_DENY"},
        )

    def approves(self, after, who, place, session):
        """A push is sent for a session elsewhere, and the phone at `place` approves it."""
        self.says(
            after,
            "user.authentication.auth_via_mfa",
            who,
            place,
            PHONE,
            session,
            "SUCCESS",
            None,
            [who.target()],
            f"/idp/authenticators/{token('aut', who.login)}/transactions/verify",
            {"factor": "OKTA_VERIFY_PUSH", "pushOnlyResponseType": "OV_RESPONSE_APPROVE"},
        )

    def system(self, after, kind, targets, **more):
        """Okta's own principal does something, with no client behind it."""
        self.says(
            after,
            kind,
            SYSTEM,
            targets=targets,
            **{
                "transaction": {"type": "JOB", "id": "unknown", "detail": {}},
                "debugContext": {"debugData": {}},
            }
            | more,
        )


def at(days=0, hours=0, minutes=0, seconds=0):
    """Seconds from the start of a story, which is a midnight."""
    return days * 86400 + hours * 3600 + minutes * 60 + seconds
