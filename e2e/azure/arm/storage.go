package arm

import "fmt"

// AddStorageAccount adds a storage account to the default resource group. What is in it is package
// queue's.
func (s *Subscription) AddStorageAccount(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accounts[fold(name)] = defaultResourceGroup
}

// QueueScope is the scope of a queue of a storage account.
func (s *Subscription) QueueScope(account, queue string) (string, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	group, ok := s.accounts[fold(account)]
	if !ok {
		return "", NotFound("The Resource 'Microsoft.Storage/storageAccounts/%s' was not found.", account)
	}
	return fmt.Sprintf("%s/providers/Microsoft.Storage/storageAccounts/%s/queueServices/default/queues/%s", s.groupID(group), account, queue), nil
}
