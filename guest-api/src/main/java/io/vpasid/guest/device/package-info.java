/// A function in front of the protocol: the guest's view of its registers, and the hardware behind
/// them, as one vfio-user device.
@NullMarked
package io.vpasid.guest.device;

import org.jspecify.annotations.NullMarked;
