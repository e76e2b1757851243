/// What the tests of all modules share. [io.vpasid.testing.Needs] says what a test wants of the
/// machine, [io.vpasid.testing.Seeds] has the seeds of property tests, and
/// [io.vpasid.testing.TestTally] counts at the end of a build what ran and what was skipped, and
/// why.
///
/// Nothing here ships, and nothing here knows the modules under test.
@NullMarked
package io.vpasid.testing;

import org.jspecify.annotations.NullMarked;
