using Bank.Web.Api;

namespace Bank.Web.Live;

/// <summary>
/// A change that a customer asks for, which happens once however often it is sent: every attempt has the same key until one has succeeded or something
/// else is wanted. While the bank does not answer it is repeated for a few seconds.
/// </summary>
public sealed class Change(TimeProvider time)
{
    private const int MaxAttempts = 4;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private string _key = NewKey();
    private object? _wanted;

    /// <summary>True if an attempt was sent and not answered: what was wanted may have happened.</summary>
    public bool MayHaveHappened { get; private set; }

    /// <summary>Throws what the last attempt met.</summary>
    /// <param name="wanted">What is wanted, to be told from something else by <see cref="object.Equals(object?)"/>.</param>
    /// <param name="send">Sends it with a key.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public async Task<T> SendAsync<T>(object wanted, Func<string, Task<T>> send, CancellationToken cancellationToken)
    {
        if (!wanted.Equals(_wanted))
            (_wanted, _key, MayHaveHappened) = (wanted, NewKey(), false);
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var answer = await send(_key);
                (_wanted, MayHaveHappened) = (null, false);
                return answer;
            }
            catch (BankException e) when (e.IsAway)
            {
                MayHaveHappened |= e.WasSent;
                if (attempt == MaxAttempts)
                    throw;
                await Task.Delay(Pause, time, cancellationToken);
            }
        }
    }

    private static string NewKey() => Guid.NewGuid().ToString("N");
}
