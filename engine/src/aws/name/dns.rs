//! One question to one resolver, over UDP.
//!
//! The system's own lookup hides the chain of names, and that chain is what tells the regions apart.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, Question, TYPE};
use tokio::net::UdpSocket;

/// Without extensions an answer over UDP has no more.
const ANSWER_BYTES_MAX: usize = 512;
/// Answers to other questions that are passed over: late ones, or somebody's guesses.
const STRAY_ANSWERS_MAX: usize = 8;

/// What a name leads to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Answer {
    /// The names that it is another name for, without a dot at their end.
    pub(super) names: Vec<String>,
    /// The addresses at the end.
    pub(super) addresses: BTreeSet<Ipv4Addr>,
}

/// The first resolver that the machine is configured with.
pub(super) async fn resolver_of_the_machine() -> Option<SocketAddr> {
    let read = tokio::task::spawn_blocking(|| std::fs::read_to_string("/etc/resolv.conf"));
    first_nameserver(&read.await.ok()?.ok()?)
}

fn first_nameserver(text: &str) -> Option<SocketAddr> {
    let address = text.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        (words.next() == Some("nameserver")).then(|| words.next())?
    })?;
    Some(SocketAddr::new(address.parse().ok()?, 53))
}

/// Asks a resolver for the addresses of a name.
pub(super) async fn lookup(resolver: SocketAddr, name: &str) -> io::Result<Answer> {
    let local: IpAddr = match resolver {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    // Connected, so that only the resolver's own datagrams come in; its port is chosen by the system at random.
    let socket = UdpSocket::bind((local, 0)).await?;
    socket.connect(resolver).await?;
    let id = socket.local_addr()?.port();
    socket.send(&question(id, name)?).await?;
    let mut buffer = [0; ANSWER_BYTES_MAX];
    for _ in 0..STRAY_ANSWERS_MAX {
        let length = socket.recv(&mut buffer).await?;
        if let Some(answer) = read(id, &buffer[..length])? {
            return Ok(answer);
        }
    }
    Err(io::Error::other("the resolver answers other questions only"))
}

fn question(id: u16, name: &str) -> io::Result<Vec<u8>> {
    let mut packet = Packet::new_query(id);
    packet.set_flags(PacketFlag::RECURSION_DESIRED);
    let name = Name::new(name).map_err(io::Error::other)?;
    let question = Question::new(name, QTYPE::TYPE(TYPE::A), QCLASS::CLASS(CLASS::IN), false);
    packet.questions.push(question);
    packet.build_bytes_vec().map_err(io::Error::other)
}

/// None: an answer to another question.
fn read(id: u16, bytes: &[u8]) -> io::Result<Option<Answer>> {
    let packet = Packet::parse(bytes).map_err(io::Error::other)?;
    if packet.id() != id || !packet.has_flags(PacketFlag::RESPONSE) {
        return Ok(None);
    }
    if packet.rcode() != simple_dns::RCODE::NoError {
        return Err(io::Error::other(format!("the resolver says {:?}", packet.rcode())));
    }
    let mut answer = Answer::default();
    for record in &packet.answers {
        match &record.rdata {
            RData::CNAME(name) => answer
                .names
                .push(name.0.to_string().trim_end_matches('.').to_lowercase()),
            RData::A(address) => {
                answer.addresses.insert(Ipv4Addr::from(address.address));
            }
            _ => {}
        }
    }
    Ok(Some(answer))
}

#[cfg(test)]
mod tests {
    use simple_dns::ResourceRecord;
    use simple_dns::rdata::{A, CNAME};

    use super::*;

    fn reply(id: u16) -> Vec<u8> {
        let mut packet = Packet::new_reply(id);
        let record = |name: &'static str, rdata| ResourceRecord::new(Name::new_unchecked(name), CLASS::IN, 5, rdata);
        let target = Name::new_unchecked("api.us-east-2.example.com");
        packet
            .answers
            .push(record("orders.example.com", RData::CNAME(CNAME(target))));
        let address = Ipv4Addr::new(192, 0, 2, 7).into();
        packet
            .answers
            .push(record("api.us-east-2.example.com", RData::A(A { address })));
        packet.build_bytes_vec_compressed().unwrap()
    }

    #[test]
    fn a_chain_of_names_is_read() {
        let answer = read(7, &reply(7)).unwrap().unwrap();
        assert_eq!(answer.names, ["api.us-east-2.example.com"]);
        assert_eq!(answer.addresses, BTreeSet::from([Ipv4Addr::new(192, 0, 2, 7)]));
    }

    #[test]
    fn answers_to_other_questions_are_passed_over_and_damaged_ones_are_errors() {
        assert_eq!(read(8, &reply(7)).unwrap(), None);
        assert_eq!(read(7, &question(7, "a.example").unwrap()).unwrap(), None);
        let whole = reply(7);
        for length in 0..whole.len() {
            assert!(read(7, &whole[..length]).is_err(), "cut off after {length}");
        }
    }

    #[test]
    fn the_machine_s_first_resolver_is_found() {
        let text = "# a comment\nsearch example.com\nnameserver 10.0.0.2\nnameserver 10.0.0.3\n";
        assert_eq!(first_nameserver(text), "10.0.0.2:53".parse().ok());
        assert_eq!(first_nameserver("search example.com\n"), None);
    }
}
