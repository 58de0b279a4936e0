import msgspec

from stream_app.models.recommenders.prequential_gate import GateSettings, GateState, PrequentialGate


def judged(gate: PrequentialGate, gain: float, times: int) -> bool:
    for _ in range(times):
        gate.judge(0.5 + gain, 0.5)
    return gate.is_open


def test_it_opens_with_evidence_and_gain_and_closes_with_loss() -> None:
    gate = PrequentialGate(GateSettings(opening_gain=0.01, least_judged=50, memory=100))
    assert not judged(gate, 0.05, 49)
    assert judged(gate, 0.05, 1)
    assert judged(gate, 0.002, 2_000)  # not enough to open, enough to stay
    assert not judged(gate, -0.01, 400)
    assert not judged(gate, 0.002, 2_000)
    assert judged(gate, 0.05, 400)


def test_it_goes_on_from_its_state() -> None:
    gate = PrequentialGate(GateSettings(least_judged=10))
    judged(gate, 0.05, 9)
    restored = PrequentialGate(GateSettings(least_judged=10))
    restored.restore(msgspec.msgpack.decode(msgspec.msgpack.encode(gate.to_state()), type=GateState))
    assert not restored.is_open
    for same in (gate, restored):
        same.judge(0.2, 0.1)
    assert restored.is_open
    assert restored.to_state() == gate.to_state()
