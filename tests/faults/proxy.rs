//! How does the way between a client and a broker become bad?

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::support::random::Random;

const CHUNK: usize = 64 << 10;

/// What happens to bytes, in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// They arrive.
    Open,
    /// They arrive later: by so many milliseconds, and by up to so many more.
    Slow { by: u64, jitter: u64 },
    /// No faster than so many KiB in a second.
    Narrow { kib: u64 },
    /// They wait until the way is open again, and nobody is told: a cable that was pulled out.
    Silent,
    /// Connections are closed, and new ones closed at once: a firewall that was told to.
    Refused,
}

/// Listens in the place of a broker and passes on what it gets. It ends with this process.
pub struct Proxy(Arc<Link>);

struct Link {
    broker: u16,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    way: Way,
    random: Random,
    /// Both ends of every connection, to close them.
    open: BTreeMap<u64, [TcpStream; 2]>,
    made: u64,
}

impl Proxy {
    /// From one port of this machine to another.
    pub fn start((port, broker): (u16, u16)) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let state = State { way: Way::Open, random: Random::new(1), open: BTreeMap::new(), made: 0 };
        let link = Arc::new(Link { broker, state: Mutex::new(state), changed: Condvar::new() });
        let accepting = Arc::clone(&link);
        named(move || {
            for client in listener.incoming().flatten() {
                accepting.connect(client);
            }
        });
        Self(link)
    }

    /// From now on it is so.
    pub fn set(&self, way: Way) {
        let mut state = self.0.state();
        state.way = way;
        if way == Way::Refused {
            for ends in std::mem::take(&mut state.open).into_values() {
                close(&ends);
            }
        }
        self.0.changed.notify_all();
    }
}

impl Link {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A client that is not let in, or whose broker is away, finds its connection closed.
    fn connect(self: &Arc<Self>, client: TcpStream) {
        if !self.let_through(0) {
            return;
        }
        let Ok(broker) = TcpStream::connect(("127.0.0.1", self.broker)) else { return };
        for end in [&client, &broker] {
            end.set_nodelay(true).ok();
        }
        let copy = |end: &TcpStream| end.try_clone().unwrap();
        let mut state = self.state();
        state.made += 1;
        let number = state.made;
        state.open.insert(number, [copy(&client), copy(&broker)]);
        drop(state);
        for (from, to) in [(copy(&client), copy(&broker)), (broker, client)] {
            let link = Arc::clone(self);
            named(move || link.pump(number, from, to));
        }
    }

    fn pump(&self, number: u64, mut from: TcpStream, mut to: TcpStream) {
        let mut buffer = vec![0; CHUNK];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            if !self.let_through(read) || to.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
        self.state().open.remove(&number);
        close(&[from, to]);
    }

    /// Returns when so many bytes may go on; false when they may not.
    fn let_through(&self, bytes: usize) -> bool {
        let mut state = self.state();
        while state.way == Way::Silent {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let pause = match state.way {
            Way::Refused => return false,
            Way::Slow { by, jitter } => by + state.random.below(jitter + 1),
            Way::Narrow { kib } => bytes as u64 * 1_000 / (kib << 10),
            Way::Open | Way::Silent => 0,
        };
        drop(state);
        std::thread::sleep(Duration::from_millis(pause));
        true
    }
}

fn close(ends: &[TcpStream; 2]) {
    for end in ends {
        end.shutdown(Shutdown::Both).ok();
    }
}

fn named(body: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().name("proxy".to_owned()).spawn(body).unwrap();
}

#[test]
fn bytes_wait_while_the_way_is_silent_and_connections_end_when_it_is_refused() {
    let broker = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = crate::support::broker::any_port();
    let proxy = Proxy::start((port, broker.local_addr().unwrap().port()));
    let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let (mut served, _) = broker.accept().unwrap();
    let mut byte = [0];
    proxy.set(Way::Slow { by: 1, jitter: 1 });
    client.write_all(b"a").unwrap();
    served.read_exact(&mut byte).unwrap();
    assert_eq!(byte, *b"a");

    proxy.set(Way::Silent);
    client.write_all(b"b").unwrap();
    served.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    assert!(served.read_exact(&mut byte).is_err(), "nothing arrives");
    served.set_read_timeout(None).unwrap();
    proxy.set(Way::Open);
    served.read_exact(&mut byte).unwrap();
    assert_eq!(byte, *b"b");

    proxy.set(Way::Refused);
    assert_eq!(client.read(&mut byte).unwrap_or_default(), 0);
    let mut again = TcpStream::connect(("127.0.0.1", port)).unwrap();
    assert_eq!(again.read(&mut byte).unwrap_or_default(), 0);
}
