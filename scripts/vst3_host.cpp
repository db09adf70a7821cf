// A small VST3 host made of Steinberg's classes for hosts, which come with the crate clap-wrapper: vst3_host BUNDLE NOTES
// Loads the bundle, plays a phrase through each plugin as an offline bounce does, and writes the notes that came out. Where a
// note hangs, or a part does not sing, it fails. scripts/windows.sh runs it here and under wine and compares the two.
#include "pluginterfaces/vst/ivstaudioprocessor.h"
#include "pluginterfaces/vst/ivstcomponent.h"
#include "pluginterfaces/vst/ivstevents.h"
#include "pluginterfaces/vst/ivstprocesscontext.h"
#include "public.sdk/source/vst/hosting/eventlist.h"
#include "public.sdk/source/vst/hosting/hostclasses.h"
#include "public.sdk/source/vst/hosting/module.h"
#include "public.sdk/source/vst/hosting/processdata.h"

#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <tuple>

using namespace Steinberg;
using namespace Steinberg::Vst;

static const int FRAMES = 480, BEAT = 24000; // at 48 kHz and 120 beats a minute
static const int16 MELODY[] = {67, 67, 69, 71, 72, 71, 69, 67};
static const int KEYS = sizeof MELODY / sizeof *MELODY;

static void must(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "error: %s\n", what);
        exit(1);
    }
}

static Event note(bool on, int offset, int16 pitch)
{
    Event event{};
    event.sampleOffset = offset;
    event.type = on ? Event::kNoteOnEvent : Event::kNoteOffEvent;
    if (on) {
        event.noteOn.pitch = pitch;
        event.noteOn.velocity = 0.8f;
        event.noteOn.noteId = -1;
    } else {
        event.noteOff.pitch = pitch;
        event.noteOff.noteId = -1;
    }
    return event;
}

static void play(IComponent *component, IAudioProcessor *processor, FILE *notes)
{
    ProcessSetup setup{kOffline, kSample32, FRAMES, 48000};
    must(processor->setupProcessing(setup) == kResultOk, "the plugin refuses 48 kHz in blocks of 480 frames");
    for (int32 bus = 0; bus < component->getBusCount(kEvent, kInput); ++bus) component->activateBus(kEvent, kInput, bus, true);
    for (int32 bus = 0; bus < component->getBusCount(kEvent, kOutput); ++bus) component->activateBus(kEvent, kOutput, bus, true);
    for (int32 bus = 0; bus < component->getBusCount(kAudio, kOutput); ++bus) component->activateBus(kAudio, kOutput, bus, true);
    must(component->setActive(true) == kResultOk, "the plugin can't be activated");
    processor->setProcessing(true);

    HostProcessData data;
    must(data.prepare(*component, FRAMES, kSample32), "the plugin's buses can't be served");
    EventList in(64), out(1024);
    ProcessContext context{};
    context.sampleRate = 48000;
    context.tempo = 120;
    context.timeSigNumerator = context.timeSigDenominator = 4;
    data.processMode = kOffline;
    data.numSamples = FRAMES;
    data.inputEvents = &in;
    data.outputEvents = &out;
    data.processContext = &context;

    std::set<std::tuple<int, int, int>> sounding; // bus, channel, pitch
    std::map<std::pair<int, int>, int> sung;
    for (int64 frame = 0; frame < int64(KEYS + 2) * BEAT; frame += FRAMES) {
        in.clear();
        out.clear();
        // The song stops a beat after the last key.
        context.state = ProcessContext::kProjectTimeMusicValid | ProcessContext::kTempoValid | ProcessContext::kTimeSigValid |
                        ProcessContext::kBarPositionValid | (frame < int64(KEYS + 1) * BEAT ? ProcessContext::kPlaying : 0);
        context.projectTimeSamples = context.continousTimeSamples = frame;
        context.projectTimeMusic = double(frame) / BEAT;
        context.barPositionMusic = double(frame / (4 * BEAT)) * 4;
        int key = int(frame / BEAT);
        if (key < KEYS && frame % BEAT == 0) {
            Event event = note(true, 0, MELODY[key]);
            in.addEvent(event);
        }
        if (key < KEYS && frame % BEAT == BEAT - FRAMES) {
            Event event = note(false, FRAMES / 2, MELODY[key]);
            in.addEvent(event);
        }
        must(processor->process(data) == kResultOk, "the plugin fails at a block");
        for (int32 index = 0; index < out.getEventCount(); ++index) {
            Event event{};
            out.getEvent(index, event);
            long long at = frame + event.sampleOffset;
            if (event.type == Event::kNoteOnEvent) {
                int channel = event.noteOn.channel + 1;
                fprintf(notes, "%lld %d %d %d\n", at, event.busIndex, channel, event.noteOn.pitch);
                sounding.insert({event.busIndex, channel, event.noteOn.pitch});
                ++sung[{event.busIndex, channel}];
            } else if (event.type == Event::kNoteOffEvent) {
                fprintf(notes, "%lld %d %d -%d\n", at, event.busIndex, event.noteOff.channel + 1, event.noteOff.pitch);
                sounding.erase({event.busIndex, event.noteOff.channel + 1, event.noteOff.pitch});
            }
        }
    }
    processor->setProcessing(false);
    component->setActive(false);
    must(sounding.empty(), "a note hangs");
    must(sung.size() == 4, "not every part sings");
    for (auto part : sung) must(part.second >= KEYS / 2, "a part hardly sings");
}

int main(int count, char **arguments)
{
    must(count == 3, "vst3_host BUNDLE NOTES");
    FILE *notes = fopen(arguments[2], "wb");
    must(notes, "the notes can't be written");
    std::string why;
    auto module = VST3::Hosting::Module::create(arguments[1], why);
    if (!module) {
        fprintf(stderr, "error: %s: %s\n", arguments[1], why.c_str());
        return 1;
    }
    HostApplication host;
    auto factory = module->getFactory();
    factory.setHostContext(&host);
    int plugins = 0;
    for (auto &plugin : factory.classInfos()) {
        if (plugin.category() != kVstAudioEffectClass) continue;
        fprintf(notes, "%s %s\n", plugin.ID().toString().c_str(), plugin.name().c_str());
        auto component = factory.createInstance<IComponent>(plugin.ID());
        must(component && component->initialize(&host) == kResultOk, "the plugin can't be made");
        FUnknownPtr<IAudioProcessor> processor(component);
        must(processor, "the plugin does not process");
        play(component, processor, notes);
        component->terminate();
        ++plugins;
    }
    must(plugins == 2, "there are not two plugins");
    must(fclose(notes) == 0, "the notes can't be written");
    return 0;
}
