package io.vpasid.guest.cli.run;

import io.vpasid.guest.scenario.ScenarioResult;
import java.io.IOException;
import java.io.Writer;
import java.util.Optional;

/// The results of a batch in some form. They may be added by one thread while another writes them.
sealed interface BatchReport permits JunitXml, ScenarioPage {

  /// Adds the next result of the batch.
  void add(ScenarioResult result);

  /// Writes all of them.
  ///
  /// @param to receives the text, and stays open
  /// @param problem why runs have no result; empty if it is no more than that all have one
  void write(Writer to, Optional<String> problem) throws IOException;
}
