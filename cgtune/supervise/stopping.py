"""What a signal sets in motion: what is forwarded, when, and when patience ends. Pure: it is told the time.

    no options             every signal is forwarded as it comes
    --signal TERM=QUIT     QUIT instead of TERM; HUP=none: nothing
    --pre-stop-delay 5     the first TERM waits 5 s; a second one, or INT, is forwarded at once instead of it
    --stop-timeout 10      10 s after TERM (or INT, or RTMIN+3, or what stands for one of them) was forwarded, what
                           still runs is killed; at 80 % of that time it is named. What cannot be killed (it is
                           another user's, or waits for a disk) is left after one more second
    --group                TSTP, TTIN and TTOU become STOP: a group without a shell above it ignores them (signal(7))

QUIT does not count as a request to stop: to a JVM, a Go program or faulthandler it means "tell where you are".
"""

from __future__ import annotations

from cgtune import signals
from cgtune.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cgtune.supervise.job import Job

FORWARD, REPORT, KILL, GIVE_UP = "forward", "report", "kill", "give up"
_KILLING_SECONDS = 1.0
_REPORT_FRACTION = 0.8
_number = signals.number_of
TERM, INT = _number("TERM"), _number("INT")
_STOPS = (TERM, INT, _number("RTMIN+3"))
#: They stop a process that does not catch them.
PAUSES = tuple(map(_number, ("TSTP", "TTIN", "TTOU")))
_CHLD, _STOP = _number("CHLD"), _number("STOP")
# A fault in our own code would come as one of these, from the kernel; sent by a process they are forwarded.
_FAULTS = tuple(map(_number, ("FPE", "ILL", "SEGV", "BUS", "ABRT", "TRAP", "SYS")))


class Action(Record):
    """To forward a signal, to report who is still there, to kill all, or to end without the program."""

    name: str
    number: int = 0


class Stopping:
    """The state of one program's end. Times are those of one clock, in seconds."""

    def __init__(self, job: Job) -> None:
        self._rewrites = dict.fromkeys(PAUSES, _STOP) if job.is_group else {}
        self._rewrites.update(job.rewrites)
        self._delay_seconds = job.pre_stop_delay_seconds
        self._timeout_seconds = job.stop_timeout_seconds
        self._held_until: float | None = None
        self._due: list[tuple[float, Action]] = []

    @property
    def is_holding(self) -> bool:
        """Whether a SIGTERM waits to be forwarded."""
        return bool(self._delay_seconds) and self._held_until is not None

    def receive(self, number: int, is_sent: bool, now: float) -> list[Action]:
        """A signal has come, `is_sent` by a process; what to do at once."""
        if number == _CHLD or (number in _FAULTS and not is_sent):
            return []
        if number == TERM and self._delay_seconds and self._held_until is None:
            self._held_until = now + self._delay_seconds
            return []
        if number in (TERM, INT) and self._delay_seconds:
            # The delay is over, for this one and all that follow.
            self._held_until = self._held_until or now
            self._delay_seconds = 0
        return self._forward(number, now)

    def due(self, now: float) -> list[Action]:
        """What time brings."""
        actions = []
        if self.is_holding and self._held_until is not None and now >= self._held_until:
            self._delay_seconds = 0
            actions = self._forward(TERM, now)
        actions += [action for when, action in self._due if when <= now]
        self._due = [(when, action) for when, action in self._due if when > now]
        return actions

    def seconds_left(self, now: float, most: float) -> float:
        """Until `due` has something to do, at most so many."""
        moments = [when for when, _ in self._due]
        if self.is_holding and self._held_until is not None:
            moments.append(self._held_until)
        return max(0.0, min([most, *(moment - now for moment in moments)]))

    def _forward(self, number: int, now: float) -> list[Action]:
        forwarded = self._rewrites.get(number, number)
        if not forwarded:
            return []
        if self._timeout_seconds is not None and (number in _STOPS or forwarded in _STOPS):
            seconds, self._timeout_seconds = self._timeout_seconds, None
            self._due = [
                (now + _REPORT_FRACTION * seconds, Action(name=REPORT)),
                (now + seconds, Action(name=KILL)),
                (now + seconds + _KILLING_SECONDS, Action(name=GIVE_UP)),
            ]
        return [Action(name=FORWARD, number=forwarded)]
