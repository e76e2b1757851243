package io.vpasid.guest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.guest.cli.terminal.Terminal;
import org.junit.jupiter.api.Test;

class QuirksListCommandTest extends WithQuirkFiles {
  @Test
  void listHasALineForEachEntryAndCountsThem() {
    Run run = Run.of("quirks", "list");

    assertThat(run.code()).isZero();
    assertThat(run.out())
        .containsPattern("nvidia-ga10x +NVIDIA GA102.*: 41 hidden, 2 available")
        .containsPattern("habana-\\S+ +Habana.*: 4 hidden")
        .contains(" entries; ");
  }

  @Test
  void listsAndExplanationsEndWhereTheTerminalEnds() {
    for (String[] command :
        new String[][] {
          {"quirks", "list"},
          {"quirks", "list", "nvidia-hda-enable"},
          {"quirks", "explain", "10de:2204"},
          {"quirks", "explain", dump}
        }) {
      for (int columns : new int[] {80, 120, 200}) {
        Run run = Run.on(new Terminal(true, true, false, () -> columns), command);
        assertThat(run.out().lines()).allMatch(line -> line.length() <= columns);
        assertThat(run.out().replaceAll("\\s+", " "))
            .isEqualTo(Run.of(command).out().replaceAll("\\s+", " "));
      }
    }
  }

  @Test
  void listShowsAllOfANamedEntry() {
    Run run = Run.of("quirks", "list", "nvidia-hda-enable");

    assertThat(run.out())
        .contains("vendor 0x10de, device 0x08a0-0xffff, class 0x03xxxx")
        .contains("0x48b-0x48b mask 0x02000000  HDA function enable (rw, driver)")
        .contains("Linux 7.3 drivers/pci/quirks.c");
  }

  @Test
  void listOfADeviceHasWhatMayBeAboutIt() {
    Run run = Run.of("quirks", "list", "--device", "1da3:1000", "--json");

    assertThat(MAPPER.readTree(run.out()).findValuesAsString("id"))
        .contains("class-xhci")
        .anyMatch(id -> id.startsWith("habana"))
        .noneMatch(id -> id.startsWith("nvidia"));
  }

  @Test
  void listSaysWhatALayerReplaces() {
    String mine =
        quirks("mine.json", quirk("nvidia-hda", ", \"device\": \"0x0001\"", "\"exec\": false"));

    assertThat(Run.of("quirks", "list", "--quirks", mine).out())
        .contains("nvidia-hda (built in) is replaced by that of " + mine + ":2");
  }

  @Test
  void listOfNothingIsNo() {
    Run run = Run.of("quirks", "list", "zz-top");

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.err())
        .isEqualToIgnoringNewLines(
            "vpasid: no entry has the id zz-top; vpasid quirks list shows all");
    assertThat(Run.of("quirks", "list", "nvidia-ga1x").err())
        .contains("did you mean nvidia-ga10x?");
    assertThat(Run.of("quirks", "list", "--device", "10").err()).contains("10de:2204");
  }
}
