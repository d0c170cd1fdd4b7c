//! Whose does the configuration say an address is?

use std::net::IpAddr;

use ipnet::IpNet;

use super::sites;
use crate::config;
use crate::error::Failure;
use crate::model::IpRole;

/// `geoip.roles`, in their order.
#[derive(Debug, Default)]
pub(super) struct Roles(Vec<Listed>);

/// One of them: whatever it names must hold.
#[derive(Debug)]
struct Listed {
    range: Option<IpNet>,
    agent: Option<String>,
    zone: Option<String>,
    role: IpRole,
}

impl Roles {
    /// Reads the list.
    ///
    /// # Errors
    /// A range that is none, or an entry that names nothing.
    pub fn new(roles: &[config::RoleRange]) -> Result<Self, Failure> {
        let listed = roles.iter().enumerate().map(|(index, role)| Listed::new(index, role));
        Ok(Self(listed.collect::<Result<_, _>>()?))
    }

    /// The role of the first entry that holds.
    pub fn find(&self, address: IpAddr, agent: &str, zone: &str) -> Option<IpRole> {
        if self.0.is_empty() {
            return None;
        }
        let (agent, zone) = (agent.to_lowercase(), zone.to_lowercase());
        self.0.iter().find(|listed| listed.holds(address, &agent, &zone)).map(|listed| listed.role)
    }

    /// Whether an address by itself, whoever calls, is said to be a gateway's.
    pub fn is_gateway(&self, address: IpAddr) -> bool {
        let alone = |listed: &&Listed| listed.agent.is_none() && listed.zone.is_none();
        let found = self.0.iter().filter(alone).find(|listed| listed.holds(address, "", ""));
        found.is_some_and(|listed| listed.role == IpRole::ProxyChain)
    }
}

impl Listed {
    fn new(index: usize, role: &config::RoleRange) -> Result<Self, Failure> {
        if role.names_nothing() {
            return Err(Failure::new(format!("geoip.roles.{index} names no address, user agent or zone"))
                .hint("Give it a `cidr`, an `agent` or a `zone`."));
        }
        let range = role.cidr.as_deref().map(|text| sites::range(&format!("geoip.roles.{index}.cidr"), text));
        let lower = |text: &Option<String>| text.as_ref().map(|text| text.to_lowercase());
        Ok(Self {
            range: range.transpose()?,
            agent: lower(&role.agent),
            zone: lower(&role.zone),
            role: role.role,
        })
    }

    /// Of texts in lower case.
    fn holds(&self, address: IpAddr, agent: &str, zone: &str) -> bool {
        self.range.is_none_or(|range| range.contains(&address))
            && self.agent.as_deref().is_none_or(|pattern| matches(pattern, agent))
            && self.zone.as_deref().is_none_or(|name| name == zone)
    }
}

/// Whether a text is as a pattern says, in which `*` stands for anything.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(start) else { return false };
    let (middle, end) = rest.rsplit_once('*').unwrap_or(("", rest));
    for piece in middle.split('*').filter(|piece| !piece.is_empty()) {
        let Some((_, after)) = text.split_once(piece) else { return false };
        text = after;
    }
    text.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(cidr: &str, agent: &str, zone: &str, role: IpRole) -> config::RoleRange {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        config::RoleRange { cidr: some(cidr), agent: some(agent), zone: some(zone), role }
    }

    fn find(roles: &Roles, address: &str, agent: &str, zone: &str) -> Option<IpRole> {
        roles.find(address.parse().unwrap(), agent, zone)
    }

    #[test]
    fn the_first_entry_all_of_which_holds_decides() {
        let roles = Roles::new(&[
            range("192.0.2.0/28", "Backup-Robot/*", "", IpRole::ApiClient),
            range("192.0.2.0/24", "", "", IpRole::RelyingPartyBackchannel),
            range("", "", "Gateways", IpRole::ProxyChain),
            range("2001:db8::1", "", "", IpRole::OktaInternal),
        ]);
        let roles = roles.unwrap();
        assert_eq!(find(&roles, "192.0.2.1", "backup-robot/2", ""), Some(IpRole::ApiClient));
        assert_eq!(find(&roles, "192.0.2.1", "Mozilla", ""), Some(IpRole::RelyingPartyBackchannel));
        assert_eq!(find(&roles, "192.0.2.99", "Backup-Robot/2", ""), Some(IpRole::RelyingPartyBackchannel));
        assert_eq!(find(&roles, "203.0.113.1", "Backup-Robot/2", "gateways"), Some(IpRole::ProxyChain));
        assert_eq!(find(&roles, "2001:db8::1", "", ""), Some(IpRole::OktaInternal));
        assert_eq!(find(&roles, "203.0.113.1", "Backup-Robot/2", "Office"), None);
    }

    #[test]
    fn only_an_address_by_itself_makes_a_gateway() {
        let roles = Roles::new(&[
            range("192.0.2.1", "", "", IpRole::ApiClient),
            range("192.0.2.0/24", "", "", IpRole::ProxyChain),
            range("198.51.100.0/24", "Proxy*", "", IpRole::ProxyChain),
        ]);
        let roles = roles.unwrap();
        let is_gateway = |address: &str| roles.is_gateway(address.parse().unwrap());
        assert!(is_gateway("192.0.2.2"));
        assert!(!is_gateway("192.0.2.1"), "said to be something else before");
        assert!(!is_gateway("198.51.100.1") && !is_gateway("203.0.113.1"));
    }

    #[test]
    fn a_star_stands_for_anything_and_the_rest_for_itself() {
        for (pattern, text, expected) in [
            ("robot", "robot", true),
            ("robot", "robot/1", false),
            ("robot*", "robot/1", true),
            ("*robot*", "my robot/1", true),
            ("*robot", "my robot/1", false),
            ("a*b*c", "a--b--c", true),
            ("a*b*c", "a--c", false),
            ("a*a", "a", false),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn mistakes_name_their_key() {
        for (bad, key) in [
            (range("10.0.0.0/40", "", "", IpRole::ApiClient), "geoip.roles.1.cidr"),
            (range("", "", "", IpRole::ApiClient), "geoip.roles.1"),
        ] {
            let good = range("192.0.2.1", "", "", IpRole::ApiClient);
            let failure = Roles::new(&[good, bad]).unwrap_err();
            assert!(failure.primary.contains(key), "{failure}");
        }
    }
}
