/// One contract for every iommufd, simulated or a kernel's, and the machines on which it is tested.
@NullMarked
package io.vpasid.it.contract;

import org.jspecify.annotations.NullMarked;
