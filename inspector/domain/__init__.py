"""The words, seams and errors that every package shares; standard library and numpy only."""

from inspector.domain.asking import *  # noqa: F403
from inspector.domain.capture import *  # noqa: F403
from inspector.domain.codec import *  # noqa: F403
from inspector.domain.commands import *  # noqa: F403
from inspector.domain.corrections import *  # noqa: F403
from inspector.domain.desks import *  # noqa: F403
from inspector.domain.errors import *  # noqa: F403
from inspector.domain.extras import *  # noqa: F403
from inspector.domain.figures import *  # noqa: F403
from inspector.domain.history import *  # noqa: F403
from inspector.domain.linedesk import *  # noqa: F403
from inspector.domain.live import *  # noqa: F403
from inspector.domain.overlays import *  # noqa: F403
from inspector.domain.people import *  # noqa: F403
from inspector.domain.ports import *  # noqa: F403
from inspector.domain.quality import *  # noqa: F403
from inspector.domain.record import *  # noqa: F403
from inspector.domain.review import *  # noqa: F403
from inspector.domain.searching import *  # noqa: F403
from inspector.domain.shelf import *  # noqa: F403
from inspector.domain.shifts import *  # noqa: F403
from inspector.domain.talk import *  # noqa: F403
from inspector.domain.terms import *  # noqa: F403
from inspector.domain.texts import *  # noqa: F403
from inspector.domain.types import *  # noqa: F403
from inspector.domain.views import *  # noqa: F403
