/// Attacks of one client of a daemon on the others: what a hostile vfio-user client, control client
/// or user of the machine does, made with system calls of their own and none of our client's code,
/// against a daemon that is a process of its own. `docs/isolation.md` says what each came to.
@NullMarked
package io.vpasid.it.isolation;

import org.jspecify.annotations.NullMarked;
