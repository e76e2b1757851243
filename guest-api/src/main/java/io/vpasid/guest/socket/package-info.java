/// Unix stream sockets on Netty whose messages own their bytes and the file descriptors that came
/// with them.
///
/// A protocol says how long its messages are ([io.vpasid.guest.socket.Framing]) and receives each
/// as one [io.vpasid.guest.socket.Packet], whichever of the three kinds of channel
/// ([io.vpasid.guest.socket.SocketKind]) carries it. Paths are created for their owner alone and
/// removed again ([io.vpasid.guest.socket.SocketListener]); who is at the other end is known before
/// its first byte is read ([io.vpasid.guest.socket.PeerCredentials]).
@NullMarked
package io.vpasid.guest.socket;

import org.jspecify.annotations.NullMarked;
