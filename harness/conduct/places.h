// Directories that programs share by custom: the peers of a worker get a /tmp of their own, which
// shows the machine's and keeps what is written to itself, and an empty /dev/shm. Two runs at once
// do not meet there, the next finds nothing of the last, nothing of a killed peer stays behind.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

namespace pipewrench {

struct Place {
  std::string shown;      // what the peers call it
  std::string made;       // where the worker finds what they made there
  bool overlaid = false;  // the machine's files are seen there too
};

// The worker makes their directories below `base`. One that is missing here is left out, and one
// with mounts below it, which would be hidden.
std::vector<Place> make_places(const std::string& base);
// The stage, in a mount namespace of its own. What the kernel refuses stays the machine's.
void mount_places(const std::vector<Place>& places);
void unmount_places(const std::vector<Place>& places);
// The worker: nobody made anything there. The layers of an overlay may not change while it is
// mounted (the kernel's documentation of overlayfs): the stage unmounts before it is emptied.
bool is_empty(const Place& place);
void empty_places(const std::vector<Place>& places);
// All that is below it.
void empty_directory(const std::string& path);

}  // namespace pipewrench
