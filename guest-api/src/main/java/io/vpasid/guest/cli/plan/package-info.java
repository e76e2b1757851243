/// Where a vPASID can go: `plan` for one function, `scan` for many, `inspect` for the bytes.
@NullMarked
package io.vpasid.guest.cli.plan;

import org.jspecify.annotations.NullMarked;
