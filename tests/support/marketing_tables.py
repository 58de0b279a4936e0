"""Made-up marketing and courses tables whose answers follow from their features."""

import random
from datetime import datetime, timedelta
from pathlib import Path

SESSION_HEADER = (
    "user_id,session_id,timestamp,device_type,browser,operating_system,ip_address,country,search_query,"
    "page_views,session_duration"
)
USER_HEADER = "user_id;age;abandoned_cart;user_category;"


def marketing_tables(
    folder: Path, count: int, seed: int = 0, last_column: str = "marketing_target", without_sessions: int = 0
) -> tuple[Path, Path]:
    """Users whose tier is 3 with long sessions, else 2 above 40 years, else 1; the last ones have none."""
    chance = random.Random(seed)
    users, sessions = [USER_HEADER + last_column], [SESSION_HEADER]
    for number in range(count):
        user, age, is_long = f"user-{seed}-{number}", chance.randrange(18, 70), chance.random() < 0.25
        tier = 3 if is_long else 2 if age > 40 else 1
        users.append(f"{user};{age};FALSE;new_user;{tier if last_column == 'marketing_target' else number}")
        for visit in range(0 if number >= count - without_sessions else chance.randrange(2, 5)):
            at = datetime(2023, 1, 1) + timedelta(seconds=chance.randrange(86_400 * 300))
            duration = chance.randrange(200, 300) if is_long else chance.randrange(20, 120)
            browser = chance.choice(["Chrome", "Firefox"])
            sessions.append(
                f"{user},{user}-{visit},{at},mobile,{browser},iOS,1.2.3.4,NL,words,{visit + 2},{duration}"
            )
    return _write(folder / f"users-{seed}.csv", users), _write(folder / f"sessions-{seed}.csv", sessions)


def course_tables(folder: Path, count: int, seed: int = 0) -> tuple[Path, Path]:
    """Courses whose score is half of their length plus their rating."""
    chance = random.Random(seed)
    rows = [(chance.randrange(100), chance.randrange(50)) for _ in range(count)]
    features = [
        "Length,Rating,Nothing",
        *(f"{length},{rating},{chance.randrange(9)}" for length, rating in rows),
    ]
    target = ["Engagement Score", *(str(length / 2 + rating) for length, rating in rows)]
    return _write(folder / f"X-{seed}.csv", features), _write(folder / f"y-{seed}.csv", target)


def _write(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path
