package io.vpasid.guest.html;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import org.junit.jupiter.api.Test;

class HtmlTest {
  @Test
  void textsAndValuesCannotBecomeMarkup() {
    assertThat(new Html().element("p", "<b>&'\"", "title", "\"><script>").toString())
        .isEqualTo("<p title=\"&quot;&gt;&lt;script&gt;\">&lt;b&gt;&amp;&#39;&quot;</p>\n");
  }

  @Test
  void whatCannotBeSeenIsShownAsReplaced() {
    assertThat(new Html().text("a\u202eb\u0000c\u2028d\ud800e\n\u00e9\ud83d\ude00").toString())
        .isEqualTo("a\ufffdb\ufffdc\ufffdd\ufffde\n\u00e9\ud83d\ude00");
  }

  @Test
  void elementLeftOpenIsABug() {
    assertThatIllegalStateException()
        .isThrownBy(() -> new Html().open("div").open("p").toString())
        .withMessageContaining("p, div");
  }
}
