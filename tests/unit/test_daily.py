"""A duty of once a day, and the command that a station without a window has run for it."""

from __future__ import annotations

import sys

from core.clock import FakeClock
from core.daily import Daily
from core.errors import HostError
from core.messages import Problem
from core.station.daily_command import DailyCommand
from tests.patience import wait_until

HOUR_MS = 3_600_000.0


def test_a_duty_falls_due_at_the_start_and_then_once_a_day() -> None:
    clock = FakeClock()
    daily = Daily(clock)
    yes = []
    for hour in range(50):
        if daily.due():
            yes.append(hour)
        clock.sleep_ms(HOUR_MS)
    assert yes == [0, 24, 48]


def test_a_clock_that_was_set_back_delays_nothing() -> None:
    clock = FakeClock()
    daily = Daily(clock)
    assert daily.due()
    clock._utc_0_s -= 30 * 86_400.0
    assert daily.due()
    assert not daily.due()


def run(code: str, clock: FakeClock) -> tuple[DailyCommand, list[Problem]]:
    command = DailyCommand([sys.executable, "-c", code], lambda: True, clock)
    found = command.look()

    def ended() -> bool:
        found.extend(command.look())
        return command._process is None

    wait_until(ended, "the end of the command")
    return command, found


def test_a_command_that_fails_is_a_problem_and_is_tried_again_the_next_day() -> None:
    clock = FakeClock()
    command, found = run("import sys; sys.exit('sallyport: the frames are in use')", clock)
    assert [problem.what for problem in found] == ["the frames are in use"]
    clock.sleep_ms(HOUR_MS)
    assert command.look() == []
    assert command._process is None
    clock.sleep_ms(24 * HOUR_MS)
    command.look()
    assert [problem.what for problem in command.finish()] == ["the frames are in use"]


def test_a_command_that_does_its_work_says_nothing_however_much_it_writes() -> None:
    assert run("import sys; sys.stderr.write('x' * 300_000)", FakeClock())[1] == []


def test_nothing_is_begun_where_nothing_is_wanted_and_an_unreadable_site_is_told() -> None:
    def broken() -> bool:
        raise HostError("the catalogue is gone")

    command = DailyCommand(["/nowhere"], lambda: False, FakeClock())
    assert (command.look(), command.finish()) == ([], [])
    assert [problem.what for problem in DailyCommand(["/nowhere"], broken, FakeClock()).look()] == [
        "the catalogue is gone"
    ]
    assert "could not be started" in DailyCommand(["/nowhere"], lambda: True, FakeClock()).look()[0].what
