-- For scripts/ardour.sh: a session in Ardour without a screen. The plugin on the keyboard's track, a track that records
-- what comes out of it, the song running. Says READY, and in the end what was recorded.
local folder = os.getenv("CHORALE_SESSION")
assert(AudioEngine:set_backend("JACK", "", ""), "Ardour has no JACK")
assert(AudioEngine:start() == 0, "the engine does not start")
local session = create_session(folder, "chorale", 48000)
assert(session, "no session")
local midi = ARDOUR.DataType("midi")
local plugin = ARDOUR.LuaAPI.new_plugin_info("Chorale", ARDOUR.PluginType.VST3)
assert(not plugin:isnil(), "Ardour does not know the plugin")

local function track(name, instrument)
    local one = ARDOUR.ChanCount(midi, 1)
    local order, mode = ARDOUR.PresentationInfo.max_order, ARDOUR.TrackMode.Normal
    for route in session:new_midi_track(one, one, false, instrument, nil, nil, 1, name, order, mode, false, false):iter() do
        return route
    end
end
local melody, harmony = track("Melody", plugin), track("Harmony", ARDOUR.PluginInfo())
local group = PBD.GroupControlDisposition.NoGroup
melody:to_track():monitoring_control():set_value(1, group)
harmony:input():midi(0):connect(melody:output():midi(0):name())
harmony:to_track():rec_enable_control():set_value(1, group)
session:maybe_enable_record(false)
session:request_roll(ARDOUR.TransportRequestSource.TRS_UI)
print("READY")
io.stdout:flush()
ARDOUR.LuaAPI.usleep(8000000)
session:request_stop(false, false, ARDOUR.TransportRequestSource.TRS_UI)
ARDOUR.LuaAPI.usleep(1500000)
local notes = { 0, 0, 0, 0 }
for region in harmony:to_track():playlist():region_list():iter() do
    local model = region:to_midiregion():midi_source(0):model()
    for note in ARDOUR.LuaAPI.note_list(model):iter() do
        notes[note:channel() + 1] = notes[note:channel() + 1] + 1
    end
end
print("RECORDED " .. table.concat(notes, " "))
close_session()
