using Bank.Web.Api;
using Bank.Web.Live;
using Microsoft.AspNetCore.Components;

namespace Bank.Web.Components;

/// <summary>A form that asks the bank for one change at a time.</summary>
public abstract class ChangeForm : ComponentBase, IDisposable
{
    private readonly CancellationTokenSource _end = new();

    protected ChangeForm() => Left = _end.Token;

    /// <summary>Speaks for the customer.</summary>
    [Parameter, EditorRequired]
    public BankClient Bank { get; set; } = null!;

    /// <summary>The bank took a change.</summary>
    [Parameter]
    public EventCallback Changed { get; set; }

    /// <summary>A change is under way; whatever is pressed meanwhile counts for nothing. The browser hears of it late, so this is looked at here.</summary>
    protected bool IsBusy { get; private set; }

    /// <summary>Why the last change was not made, in a sentence for the customer.</summary>
    protected string? Problem { get; set; }

    /// <summary>The page is left.</summary>
    protected CancellationToken Left { get; }

    [Inject]
    private Change Change { get; set; } = null!;

    public void Dispose()
    {
        _end.Cancel();
        _end.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Sends the change until it is answered, with a key that makes it happen once. If it was not made, <see cref="Problem"/> says why.</summary>
    /// <param name="wanted">What is wanted; the same wish has the same key.</param>
    /// <param name="send">Sends it.</param>
    /// <param name="done">Takes the answer, and forgets what was typed: a second press must find nothing to send.</param>
    protected async Task SendAsync<T>(object wanted, Func<string, Task<T>> send, Action<T> done)
    {
        if (IsBusy)
            return;
        (IsBusy, Problem) = (true, null);
        try
        {
            done(await Change.SendAsync(wanted, send, Left));
            await Changed.InvokeAsync();
        }
        catch (BankException e)
        {
            Problem = Words.OfFailure(e, Change.MayHaveHappened(wanted));
        }
        finally
        {
            IsBusy = false;
        }
    }
}
