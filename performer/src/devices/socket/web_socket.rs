//! JSON over WebSockets (RFC 6455).

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use remote::{Incoming, Outgoing, of_json};
use tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tungstenite::http::StatusCode;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tungstenite::{Bytes, Error, Message, WebSocket, accept_hdr_with_config};

use super::listeners::MOST;
use super::players::{Desk, Player, SILENT};
use super::{House, LOOK};

/// Of a message, in bytes; longer ones are refused.
const LONGEST: usize = 4096;
/// Who sends a message of more bytes is left.
const UNBEARABLE: usize = 1 << 20;
/// Who takes nothing for so long is left.
const WRITE: Duration = Duration::from_secs(2);
/// Who has not shaken hands by then is left, however slowly it goes on.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// Programs that shake hands at once. For one more the first of them is left, so that nobody can stand in the door.
const SHAKING: usize = 32;
/// All connections, with those that end.
const CONNECTIONS: usize = 4 * SHAKING;
/// Who says nothing for so long is asked whether it is there; who does not answer until [`SILENT`] is left.
const ASK: Duration = Duration::from_secs(10);

/// Lets programs in until the house closes.
pub fn receive(listener: &TcpListener, house: &Arc<House>, desk: &Desk) {
    let door = Arc::new(Door::default());
    let mut threads = Vec::new();
    for number in 0.. {
        let stream = loop {
            if house.is_closed() {
                threads.into_iter().for_each(|thread: thread::JoinHandle<()>| drop(thread.join()));
                return;
            }
            match listener.accept() {
                Ok((stream, _)) => break stream,
                Err(_) => thread::sleep(LOOK / 4),
            }
        };
        threads.retain(|thread| !thread.is_finished());
        if threads.len() >= CONNECTIONS {
            continue; // it finds the connection closed
        }
        let (house, desk, door) = (Arc::clone(house), desk.clone(), Arc::clone(&door));
        let stream = Arc::new(stream);
        door.enter(number, &stream);
        let serve = move || {
            let _ = serve(stream, number, &house, desk, &door);
            door.leave(number);
        };
        threads.extend(thread::Builder::new().name("web socket".to_owned()).spawn(serve));
    }
}

/// The connections whose handshake goes on, in the order in which they came.
#[derive(Default)]
struct Door(Mutex<VecDeque<(u64, Arc<TcpStream>)>>);

impl Door {
    fn enter(&self, number: u64, stream: &Arc<TcpStream>) {
        let mut waiting = self.lock();
        if waiting.len() >= SHAKING
            && let Some((_, first)) = waiting.pop_front()
        {
            let _ = first.shutdown(Shutdown::Both);
        }
        waiting.push_back((number, Arc::clone(stream)));
    }

    /// It has shaken hands, or failed to.
    fn leave(&self, left: u64) {
        self.lock().retain(|(number, _)| *number != left);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(u64, Arc<TcpStream>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One side of a connection: one thread reads, another writes, and what each writes is whole frames.
#[derive(Clone)]
struct Half {
    stream: Arc<TcpStream>,
    writing: Arc<Mutex<()>>,
    /// When the handshake has to be over.
    until: Option<Instant>,
}

impl Read for Half {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if let Some(until) = self.until {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ErrorKind::TimedOut.into());
            }
            self.stream.set_read_timeout(Some(left))?;
        }
        (&*self.stream).read(bytes)
    }
}

impl Write for Half {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        (&*self.stream).write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[allow(clippy::result_large_err)] // tungstenite's own
fn serve(stream: Arc<TcpStream>, number: u64, house: &House, desk: Desk, door: &Door) -> tungstenite::Result<()> {
    // Of a listener that does not wait, on some systems.
    stream.set_nonblocking(false)?;
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(WRITE))?;
    let half = Half { stream, writing: Arc::default(), until: None };
    let config = WebSocketConfig::default().max_message_size(Some(UNBEARABLE)).max_frame_size(Some(UNBEARABLE));
    let mut is_admitted = house.access.admits(None);
    let admit = |request: &Request, response: Response| {
        let token = request.uri().query().and_then(|query| query.strip_prefix("token="));
        is_admitted |= token.is_some_and(|token| house.access.admits(Some(token)));
        let origin = request.headers().get("origin").map(|origin| origin.to_str().unwrap_or("?"));
        match origin.is_none_or(|origin| is_local(origin) || (is_admitted && house.access.token.is_some())) {
            true => Ok(response),
            false => Err(refusal()),
        }
    };
    let shaking = Half { until: Some(Instant::now() + HANDSHAKE), ..half.clone() };
    let shaken = accept_hdr_with_config(shaking, admit, Some(config));
    door.leave(number);
    let mut reader = shaken.map_err(|error| Error::Io(io::Error::other(error.to_string())))?;
    reader.get_mut().until = None;
    half.stream.set_read_timeout(Some(LOOK))?;
    let Some(texts) = house.listeners.add_web_socket(number) else {
        let reason = format!("{MOST} programs listen already");
        return reader.close(Some(CloseFrame { code: CloseCode::Again, reason: reason.into() }));
    };
    let writer = WebSocket::from_raw_socket(half.clone(), Role::Server, Some(config));
    let writing = thread::Builder::new().name("web socket".to_owned()).spawn(move || write(writer, &texts));
    if is_admitted {
        house.listeners.admit_web_socket(number);
    }
    let result = read(&mut reader, number, is_admitted, house, desk);
    // What it was told is written before the end.
    house.listeners.remove_web_socket(number);
    if let Ok(writing) = writing {
        let _ = writing.join();
    }
    let _ = reader.close(None);
    let _ = half.stream.shutdown(Shutdown::Both);
    result
}

/// Until either side ends it.
fn read(
    reader: &mut WebSocket<Half>,
    number: u64,
    mut is_admitted: bool,
    house: &House,
    desk: Desk,
) -> tungstenite::Result<()> {
    let mut player = Player::new(desk);
    let tell = |what: &Outgoing| house.listeners.tell_web_socket(number, what);
    let mut asked = Instant::now();
    while !house.is_closed() {
        let now = Instant::now();
        if now.duration_since(player.heard()) >= SILENT {
            return Ok(());
        }
        if now.duration_since(player.heard().max(asked)) >= ASK {
            asked = now;
            reader.send(Message::Ping(Bytes::new()))?;
        }
        let said = match reader.read() {
            Ok(message) => {
                player.hear(Instant::now());
                match message {
                    Message::Text(text) if text.len() > LONGEST => {
                        Err(format!("a message of more than {LONGEST} bytes"))
                    }
                    Message::Text(text) => of_json(&text),
                    Message::Binary(_) => Err("binary messages mean nothing here; send JSON as text".to_owned()),
                    Message::Close(_) => return Ok(()),
                    _ => continue,
                }
            }
            Err(Error::Io(error)) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => continue,
            Err(error) => {
                tell(&Outgoing::Error(format!("this ends here: {error}")));
                return Err(error);
            }
        };
        let done = match said {
            Ok(Incoming::Hello { token, .. }) => {
                is_admitted |= house.access.admits(token.as_deref());
                if is_admitted {
                    house.listeners.admit_web_socket(number);
                }
                is_admitted.then_some(()).ok_or_else(|| "the token is another".to_owned())
            }
            _ if !is_admitted => Err("say hello with the token first".to_owned()),
            Ok(Incoming::State) => {
                tell(&house.listeners.state());
                Ok(())
            }
            Ok(said) => player.play(&said, 0),
            Err(why) => Err(why),
        };
        if let Err(why) = done {
            tell(&Outgoing::Error(why));
        }
    }
    Ok(())
}

/// Until the listener is removed, or left since it does not read; then nothing more is read of it either.
fn write(mut writer: WebSocket<Half>, texts: &Receiver<String>) {
    // What waits is written at once: a call of the system for each would be slower than what can come.
    let mut write_all = |text: String| -> tungstenite::Result<()> {
        writer.write(Message::Text(text.into()))?;
        for text in texts.try_iter() {
            writer.write(Message::Text(text.into()))?;
        }
        writer.flush()
    };
    let is_written = texts.iter().all(|text| write_all(text).is_ok());
    let ended = if is_written { Shutdown::Read } else { Shutdown::Both };
    let _ = writer.get_ref().stream.shutdown(ended);
}

/// Whether a page comes from this machine: any page in a browser can reach our port.
fn is_local(origin: &str) -> bool {
    let host = origin.split_once("://").map_or("", |(_, host)| host);
    let name = match host.strip_prefix("[::1]") {
        Some(rest) if rest.is_empty() || rest.starts_with(':') => return true,
        _ => host.split(':').next().unwrap_or_default(),
    };
    matches!(name, "localhost" | "127.0.0.1")
}

fn refusal() -> ErrorResponse {
    let why =
        "pages of other places need the token: performer serve --token TEXT, and ?token=TEXT behind the address\n";
    let mut response = ErrorResponse::new(Some(why.to_owned()));
    *response.status_mut() = StatusCode::FORBIDDEN;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_this_machine_are_let_in_and_no_others() {
        let local =
            ["http://localhost", "http://localhost:8000", "http://127.0.0.1:3000", "http://[::1]:80", "https://[::1]"];
        assert!(local.iter().all(|origin| is_local(origin)));
        let foreign = [
            "null",
            "https://example.org",
            "http://localhost.example.org",
            "http://127.0.0.1.evil",
            "file://",
            "?",
            "http://[::1]x",
        ];
        assert!(foreign.iter().all(|origin| !is_local(origin)));
    }
}
