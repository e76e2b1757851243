/// Pages for a browser: HTML that nothing of what it shows can break out of, and one look for all.
@NullMarked
package io.vpasid.guest.html;

import org.jspecify.annotations.NullMarked;
