"""A thousand OSC messages a second for ten seconds, faders and now and then a key, to `performer serve --osc 9000 --no-take`;
prints what came back. By python-osc: pip install python-osc
"""
import collections, threading, time
from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_server import BlockingOSCUDPServer
from pythonosc.udp_client import SimpleUDPClient

heard, sounding = collections.Counter(), collections.Counter()


def hear(address, *arguments):
    heard[address] += 1
    if address == "/note":
        part, key, velocity = arguments
        sounding[part, key] += 1 if velocity else -1
        heard["soprano's keys"] += part == "soprano" and velocity > 0


dispatcher = Dispatcher()
dispatcher.set_default_handler(hear)
server = BlockingOSCUDPServer(("127.0.0.1", 9002), dispatcher)
threading.Thread(target=server.serve_forever, daemon=True).start()
chorale = SimpleUDPClient("127.0.0.1", 9000)
chorale.send_message("/hello", 9002)
time.sleep(0.3)
keys = [67, 69, 71, 72, 74, 72, 71, 69]
begin, struck = time.time(), 0
for number in range(10_000):
    while time.time() < begin + number / 1000:
        time.sleep(0.0002)
    if number % 125:
        chorale.send_message("/control", ["temperature", number % 128])
    else:
        turn = number // 125
        struck += turn % 2 == 0
        chorale.send_message("/note", [keys[turn // 2 % 8], 0 if turn % 2 else 80])
took = time.time() - begin
time.sleep(1.5)
print(f"10000 messages in {took:.1f} s, {struck} keys struck; heard {dict(heard)}")
print("sounding on:", [note for note, count in sounding.items() if count > 0] or "nothing")
