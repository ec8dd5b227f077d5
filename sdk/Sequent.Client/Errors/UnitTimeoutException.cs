namespace Sequent.Client;

/// <summary>
/// A unit met conflicts in every run, or waited for its turn behind other units of this client, until <see cref="SequentOptions.UnitTimeout"/>;
/// nothing of it was stored.
/// </summary>
public sealed class UnitTimeoutException : SequentException
{
    /// <summary>Creates the exception.</summary>
    public UnitTimeoutException(int attempts, TimeSpan elapsed, IReadOnlyList<string> keys)
        : base($"The unit over {string.Join(", ", keys.Select(k => $"'{k}'"))} did not get through within {elapsed.TotalSeconds:0.#} s and {attempts} runs: {(attempts > 1 ? "others were always first" : "other units of this client held the key all the time")}. "
            + "Nothing was stored; let fewer writers meet at one key, or raise UnitTimeout.") =>
        (Attempts, Keys) = (attempts, keys);

    /// <summary>How often the unit ran.</summary>
    public int Attempts { get; }

    /// <summary>The keys of the last run.</summary>
    public IReadOnlyList<string> Keys { get; }
}
