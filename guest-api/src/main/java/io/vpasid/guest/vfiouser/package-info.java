/// The vfio-user protocol: a device that lives in this process, used by a VMM in another.
///
/// [io.vpasid.guest.vfiouser.VfioUserServer] serves a [io.vpasid.guest.vfiouser.VfioUserDevice] to
/// one client at a time, [io.vpasid.guest.vfiouser.VfioUserClient] is the other end, and
/// [io.vpasid.guest.vfiouser.VfioUserSockets] shares threads among many of either. Inside, a
/// message is a record ([io.vpasid.guest.vfiouser.Message]): the codec knows bytes and no device,
/// the session ([io.vpasid.guest.vfiouser.DeviceSession]) knows the device and no bytes.
///
/// The other end is not trusted, in either role: every length is bounded before anything is
/// allocated for it, a request that does not fit its command is answered with an error, and a peer
/// whose messages can no longer be told apart is disconnected.
///
/// Version 0.0 of the specification (QEMU's `docs/interop/vfio-user.rst`), whose integers have the
/// host's byte order; here they are little endian, so hosts of the other order are not served.
@NullMarked
package io.vpasid.guest.vfiouser;

import org.jspecify.annotations.NullMarked;
