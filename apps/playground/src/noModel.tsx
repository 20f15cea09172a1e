/** What a screen shows that needs a model. */
export function NoModel({ what }: { what: string }) {
  return (
    <section class="none">
      <h2>{what}</h2>
      <p>
        <a href="#train">Train a model</a>, which takes less than a minute, or <a href="#keep">open a checkpoint</a>.
      </p>
    </section>
  );
}
