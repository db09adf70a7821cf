"""Times one step of an exported network in onnxruntime: onnxruntime_step.py MODEL.onnx STEPS

Prints what each run of the session took, in microseconds, as a JSON list. One thread, inputs and outputs bound once, in
memory that stays, so that what is timed is the run itself; handing the state on from step to step is not in it.
"""

import json
import sys
import time

import numpy as np
import onnxruntime

path, steps = sys.argv[1], int(sys.argv[2])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
rng = np.random.default_rng(1)
binding = session.io_binding()
feeds = {}
for value in session.get_inputs():
    shape = [1] + value.shape[1:]
    if value.type == "tensor(int64)":
        feeds[value.name] = np.ones(shape, np.int64)
    else:
        feeds[value.name] = rng.standard_normal(shape).astype(np.float32) * 0.1
    binding.bind_cpu_input(value.name, feeds[value.name])
for value in session.get_outputs():
    place = onnxruntime.OrtValue.ortvalue_from_shape_and_type([1] + value.shape[1:], np.float32)
    binding.bind_ortvalue_output(value.name, place)
times = []
for step in range(steps + 100):
    started = time.perf_counter_ns()
    session.run_with_iobinding(binding)
    times.append((time.perf_counter_ns() - started) / 1000)
print(json.dumps(times[100:]))
