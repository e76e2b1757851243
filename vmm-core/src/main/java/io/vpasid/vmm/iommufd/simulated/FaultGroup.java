package io.vpasid.vmm.iommufd.simulated;

import java.util.List;

/// Page requests of one page request group, complete and routed to a queue.
///
/// @param device whose requests they are
/// @param attachment PASID of the attachment that they came through; 0 for the function's own
/// @param requests in the order in which they came; the last one is the group's last
record FaultGroup(SimulatedBoundDevice device, int attachment, List<PageRequest> requests) {}
