/// What is known of a function as JSON, the same wherever it is shown: keys in a stable order,
/// offsets as `"0x230"`.
@NullMarked
package io.vpasid.guest.report;

import org.jspecify.annotations.NullMarked;
