using Bank.Web.Api;
using Bank.Web.Live;
using Microsoft.AspNetCore.Components;

namespace Bank.Web.Components;

/// <summary>A form that asks the bank for one change at a time.</summary>
public abstract class ChangeForm : ComponentBase, IDisposable
{
    private readonly CancellationTokenSource _end = new();

    /// <summary>Speaks for the customer.</summary>
    [Parameter, EditorRequired]
    public BankClient Bank { get; set; } = null!;

    /// <summary>The bank took a change.</summary>
    [Parameter]
    public EventCallback Changed { get; set; }

    protected bool IsBusy { get; private set; }

    /// <summary>Why the last change was not made, in a sentence for the customer.</summary>
    protected string? Problem { get; set; }

    /// <summary>The page is left.</summary>
    protected CancellationToken Left => _end.Token;

    [Inject]
    private Change Change { get; set; } = null!;

    public void Dispose()
    {
        _end.Cancel();
        _end.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Sends the change until it is answered, with a key that makes it happen once. False if it was not made; then <see cref="Problem"/> says why.</summary>
    protected async Task<bool> SendAsync<T>(object wanted, Func<string, Task<T>> send, Action<T> done)
    {
        (IsBusy, Problem) = (true, null);
        try
        {
            done(await Change.SendAsync(wanted, send, Left));
        }
        catch (BankException e)
        {
            Problem = Words.OfFailure(e, Change.MayHaveHappened);
            return false;
        }
        finally
        {
            IsBusy = false;
        }

        await Changed.InvokeAsync();
        return true;
    }
}
