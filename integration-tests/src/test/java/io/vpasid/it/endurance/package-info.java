/// Endurance: hours of mixed load on a daemon, which is killed and started again meanwhile, and on
/// a program that embeds the library; what both take is sampled, drawn, and judged by how it grows.
@NullMarked
package io.vpasid.it.endurance;

import org.jspecify.annotations.NullMarked;
