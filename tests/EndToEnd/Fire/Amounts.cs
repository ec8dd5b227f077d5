using Bank.Contracts;

namespace EndToEnd.Fire;

/// <summary>Amounts of which no two are the same: an event of the log names the request it comes from by its amount.</summary>
internal sealed class Amounts
{
    private const long Unit = 1_000_000; // more than a run has requests

    private long _last;

    /// <summary>From 10,000.00 to 100,000.00: accounts are often too empty for it.</summary>
    public Money Next(Random random) => Next(random.Next(1, 10));

    /// <summary>More than any account ever has.</summary>
    public Money NextTooMuch() => Next(90_000);

    private Money Next(long units) => new((units * Unit) + Interlocked.Increment(ref _last));
}
