//! `performer serve`: a live performance for programs that speak OSC or WebSockets.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::{Result, bail};
use performer::devices::socket::Addresses;

use super::options::whole;
use super::play;

/// Answer other programs live: notes come in and chords go out by OSC (UDP) or WebSockets, instead of MIDI ports
///
/// For Max, Pure Data, SuperCollider, TouchOSC and pages in a browser. Who says hello hears what is played from then on: each
/// note of the four parts, each chord with its name and numeral, and what stands how. Programs of this machine alone are
/// let in, unless --listen says otherwise; then they have to show a token. docs/OSC.md lists the messages.
#[derive(clap::Args)]
#[command(group(clap::ArgGroup::new("sockets").required(true).multiple(true).args(["osc", "ws"])))]
#[command(after_help = "\
Examples:
  performer serve --osc 9000                            OSC such as /note 67 80, /control hold 127
  performer serve --ws 9001                             JSON such as {\"note\": [67, 80]}
  performer serve --osc 9000 --ws 9001 --synth          both, and the built-in organ sounds
  performer serve --osc 9000 --listen 0.0.0.0 --token rosalie    a tablet says /hello rosalie")]
pub struct Args {
    /// The UDP port for OSC; 0 takes any that is free
    #[arg(long, value_name = "PORT", value_parser = whole(0_u16, u16::MAX), allow_negative_numbers = true)]
    osc: Option<u16>,

    /// The TCP port for WebSockets; 0 takes any that is free
    #[arg(long, value_name = "PORT", value_parser = whole(0_u16, u16::MAX), allow_negative_numbers = true)]
    ws: Option<u16>,

    /// The address of this machine to listen at: 0.0.0.0 for all, or that of one network
    #[arg(long, value_name = "ADDRESS", value_parser = address, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,

    /// What programs have to show before they play or hear
    #[arg(long, value_name = "TEXT", value_parser = token)]
    token: Option<String>,

    #[command(flatten)]
    play: play::Args,
}

pub fn run(mut args: Args) -> Result<()> {
    if !args.listen.is_loopback() && args.token.is_none() {
        bail!(
            "--listen {}: whoever reaches this machine could play; --token TEXT lets in only who shows it",
            args.listen
        );
    }
    let addresses = Addresses { ip: args.listen, osc: args.osc, web_socket: args.ws, token: args.token.take() };
    play::run_at(args.play, &addresses)
}

fn address(text: &str) -> Result<IpAddr, String> {
    text.parse().map_err(|_| "expected an address such as 127.0.0.1, 0.0.0.0 or ::1".to_owned())
}

fn token(text: &str) -> Result<String, String> {
    let is_plain = !text.is_empty() && text.len() <= 64 && text.chars().all(|letter| letter.is_ascii_alphanumeric());
    is_plain.then(|| text.to_owned()).ok_or_else(|| "expected 1 to 64 letters and digits".to_owned())
}
