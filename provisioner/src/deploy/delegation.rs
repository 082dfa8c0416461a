//! Whether the rest of the world finds the zone: the domain's name servers, as a resolver sees them.
//!
//! Certificates are validated, and clients come, only through a zone that is delegated to. So this is asked right after the
//! zone is there, and before anything waits for a certificate.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, Question, TYPE};
use tokio::net::UdpSocket;

use super::world::World;
use crate::aws::Trouble;
use crate::aws::trouble::TroubleKind;

/// How long a resolver may take.
const TIMEOUT: Duration = Duration::from_secs(5);
const TRIES: u32 = 3;
/// The largest answer over UDP that resolvers send without being asked for more.
const ANSWER_MAX: usize = 4096;

/// What came of looking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delegation {
    /// The domain leads to the zone.
    Delegated,
    /// There is no domain.
    NoDomain,
    /// Nobody was asked: Route 53 is not AWS's own here, and no resolver was named.
    NotAsked,
}

impl World {
    /// Whether the domain leads to our zone.
    ///
    /// # Errors
    /// When it does not, with the records that have to be set; when no resolver answers.
    pub async fn delegation(&self) -> Result<Delegation, Trouble> {
        let Some(zone) = self.zone() else {
            return Ok(Delegation::NoDomain);
        };
        let resolver = match self.resolver {
            Some(resolver) => resolver,
            None if self.shared.aws.endpoint_of("ROUTE_53").is_some() => return Ok(Delegation::NotAsked),
            None => system_resolver()?,
        };
        let Some(found) = zone.find().await? else {
            return Err(Trouble::own(
                TroubleKind::Unfit,
                format!("there is no zone for {} yet", zone.domain),
            ));
        };
        let mut ours = zone.name_servers(&found.id).await?;
        ours.sort_unstable();
        let mut seen = name_servers(resolver, &zone.domain).await?;
        seen.sort_unstable();
        if !seen.is_empty() && seen.iter().all(|server| ours.contains(server)) {
            return Ok(Delegation::Delegated);
        }
        let leads = if seen.is_empty() {
            "nowhere".to_owned()
        } else {
            format!("to {}", seen.join(", "))
        };
        Err(Trouble::own(
            TroubleKind::Unfit,
            format!(
                "the domain {} is not delegated to the zone {}: it leads {leads}. Set these name servers at its registrar, or \
                 as NS records in the parent zone: {}. Then run the same command again: it goes on from here",
                zone.domain,
                found.id,
                ours.join(", ")
            ),
        ))
    }
}

fn system_resolver() -> Result<SocketAddr, Trouble> {
    let file = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let mut servers = file.lines().filter_map(|line| line.trim().strip_prefix("nameserver "));
    let server = servers.next().map_or("127.0.0.1", str::trim);
    let server: IpAddr = server.parse().map_err(|why| {
        let said = format!(
            "/etc/resolv.conf names `{server}`, which is no address ({why}): name a resolver with `--resolver`"
        );
        Trouble::own(TroubleKind::Unfit, said)
    })?;
    Ok(SocketAddr::new(server, 53))
}

async fn name_servers(resolver: SocketAddr, domain: &str) -> Result<Vec<String>, Trouble> {
    let unfit = |said: String| Trouble::own(TroubleKind::Unfit, said);
    let name = Name::new(domain).map_err(|why| unfit(format!("`{domain}` is no domain: {why}")))?;
    let mut query = Packet::new_query(std::process::id() as u16);
    query.set_flags(PacketFlag::RECURSION_DESIRED);
    query.questions.push(Question::new(
        name,
        QTYPE::TYPE(TYPE::NS),
        QCLASS::CLASS(CLASS::IN),
        false,
    ));
    let query = query.build_bytes_vec().map_err(|why| unfit(why.to_string()))?;
    let silent = |why: &dyn std::fmt::Display| Trouble {
        region: String::new(),
        action: format!("NS {domain}"),
        ..Trouble::own(
            TroubleKind::Unreachable,
            format!("the resolver {resolver} does not answer ({why})"),
        )
    };
    let local: SocketAddr = match resolver {
        SocketAddr::V4(_) => ([0, 0, 0, 0], 0).into(),
        SocketAddr::V6(_) => ([0_u16; 8], 0).into(),
    };
    let socket = UdpSocket::bind(local).await.map_err(|why| silent(&why))?;
    socket.connect(resolver).await.map_err(|why| silent(&why))?;
    let mut answer = vec![0; ANSWER_MAX];
    for _ in 0..TRIES {
        socket.send(&query).await.map_err(|why| silent(&why))?;
        match tokio::time::timeout(TIMEOUT, socket.recv(&mut answer)).await {
            Err(_) => {}
            Ok(Err(why)) => return Err(silent(&why)),
            Ok(Ok(length)) => {
                let packet = Packet::parse(&answer[..length]).map_err(|why| silent(&why))?;
                let servers = packet.answers.iter().filter_map(|record| match &record.rdata {
                    RData::NS(server) => Some(server.0.to_string().trim_end_matches('.').to_lowercase()),
                    _ => None,
                });
                return Ok(servers.collect());
            }
        }
    }
    Err(silent(&"no answer in time"))
}
