"""The data folders of bench/history: made before the first run, through a server of each kind and over
the protocol, and the same for every run."""

import shutil
import time
from pathlib import Path

from contenders import chat_command, running, serving
from history_client import WRITER, Client

ROOM = b"history"


def room_names(count):
    """The rooms of the folder with many, in the order in which they are made."""
    return [b"room-%05d" % number for number in range(count)]


class Data:
    """Folders below `work`; `settings` has the numbers of messages and of rooms."""

    def __init__(self, build, work, settings):
        self._build = Path(build)
        self._work = Path(work)
        self._settings = settings
        self.rooms_folder = self._work / "rooms"

    def history_folder(self, contender):
        """Where this server, and no other, has the long history."""
        return self._work / f"history-{contender.label}"

    def make_history(self, contender):
        """Fills a room through this server, with its default --fsync; seconds taken."""
        begun = time.monotonic()
        folder = self._new_folder()
        with running(contender, self._build, folder, self.history_folder(contender)) as (_, port), \
                Client(port, WRITER) as client:
            client.create(ROOM)
            client.join(ROOM)
            client.fill(self._settings["messages"])
        shutil.rmtree(folder)
        return time.monotonic() - begun

    def make_rooms(self, contender):
        """Makes the folder with many rooms, which all servers share; seconds taken."""
        begun = time.monotonic()
        folder = self._new_folder()
        command = [*chat_command(contender, self._build, folder, self.rooms_folder),
                   "--fsync=never"]  # else each room waits for the disk
        with serving(command, folder) as (_, port), Client(port, WRITER) as client:
            for name in room_names(self._settings["rooms"]):
                client.create(name)
        shutil.rmtree(folder)
        return time.monotonic() - begun

    def _new_folder(self):
        folder = self._work / "making"
        folder.mkdir()
        return folder

    def forget_other_rooms(self, contender):
        """Removes what a load left beside the history, so that every run finds the folder alike."""
        folder = self.history_folder(contender)
        for path in [*folder.glob("*.chat"), *folder.glob("*.idx")]:
            if path.stem != ROOM.decode():
                path.unlink()
