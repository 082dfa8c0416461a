//! A resolver that answers as Route 53 would: from the records, and from what the two switches say.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use simple_dns::rdata::{CNAME, RData};
use simple_dns::{CLASS, Name, Packet, PacketFlag, ResourceRecord};
use tokio::net::UdpSocket;

/// What the public name is another name for, as everybody sees it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answers(Arc<Mutex<String>>);

impl Answers {
    pub(crate) fn say(&self, host: &str) {
        host.clone_into(&mut self.0.lock().unwrap());
    }
}

/// Starts the resolver. It ends with the runtime.
pub(crate) async fn resolver(answers: Answers) -> SocketAddr {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 512];
        loop {
            let Ok((length, asker)) = socket.recv_from(&mut buffer).await else {
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            };
            let question = Packet::parse(&buffer[..length]).unwrap();
            let mut reply = Packet::new_reply(question.id());
            reply.set_flags(PacketFlag::RECURSION_AVAILABLE);
            let host = answers.0.lock().unwrap().clone();
            let asked = &question.questions[0].qname;
            let target = RData::CNAME(CNAME(Name::new(&host).unwrap()));
            reply
                .answers
                .push(ResourceRecord::new(asked.clone(), CLASS::IN, 5, target));
            let bytes = reply.build_bytes_vec().unwrap();
            drop(socket.send_to(&bytes, asker).await);
        }
    });
    address
}
