namespace Demo;

/// <summary>The bus and the services, in this process or each in its own.</summary>
internal interface IRunningBank : IAsyncDisposable
{
    BankAddresses Addresses { get; }

    void Show();
}
